// SPDX-License-Identifier: Apache-2.0
// The sandbox: what the containers of one pod share. berth run makes an implicit one for its only container; it is ready
// while the container runs and holds nothing in between. One that was asked for by itself is a pod: it is ready from its
// start to its stop, and its record stays until it is removed.

import type { SandboxId } from "../../base/ids.ts";
import { defineTable } from "../../storage/store.ts";
import type { NetworkAttachment } from "../networks/network-driver.ts";
import type { Pod } from "./pod.ts";
import type { SandboxNamespaces } from "./sandboxer.ts";

export type SandboxStatus = "ready" | "not-ready";

export interface SandboxRecord {
  readonly id: SandboxId;
  readonly status: SandboxStatus;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly hostname: string;
  /** What it has pinned itself, or borrows of another sandbox. */
  readonly namespaces: SandboxNamespaces;
  /** Names of networks it is being attached to: written before attaching, so that a crash half-way is undone. */
  readonly networks: readonly string[];
  readonly attachments: readonly NetworkAttachment[];
  /** The boot in which it was made ready: nothing of it survives the next one. */
  readonly bootId: string;
  readonly pod?: Pod;
}

/** Sandboxes by id. */
export const sandboxTable = defineTable<SandboxRecord>("sandboxes");

/** A sandbox that is a pod. */
export type PodRecord = SandboxRecord & { readonly pod: Pod };
