// SPDX-License-Identifier: Apache-2.0
// Sandboxes: the environment that containers of one pod share, and the seam that makes it.
//
// Every container belongs to exactly one sandbox; berth run and the Docker API make an implicit one. A sandboxer holds
// namespaces so that they stay without a process in them. create undoes itself; remove is idempotent.

import type { IdMappings } from "../../base/id-mapping.ts";

/** Where a sandbox has a namespace from. */
export type NamespaceMode = "private" | "host";

/** What a sandbox is to have. */
export interface SandboxRequest {
  readonly id: string;
  readonly hostname: string;
  readonly domainname?: string;
  readonly network: NamespaceMode;
  readonly ipc: NamespaceMode;
  readonly uts: NamespaceMode;
  /** Namespaced sysctls, such as net.ipv4.ip_unprivileged_port_start. */
  readonly sysctls: Readonly<Record<string, string>>;
  /** Makes a user namespace that owns the others. */
  readonly userNamespace?: IdMappings;
}

/** Paths of the pinned namespaces; undefined is the host's. */
export interface SandboxNamespaces {
  readonly network?: string;
  readonly ipc?: string;
  readonly uts?: string;
  readonly user?: string;
}

/** Makes the shared environment of a pod, and finds it again after a restart. */
export interface Sandboxer extends AsyncDisposable {
  create(request: SandboxRequest, options: { readonly signal: AbortSignal }): Promise<SandboxNamespaces>;
  /** Unpins; the kernel frees the namespaces with their last process. */
  remove(id: string): Promise<void>;
  /** Whether all of these are still namespaces that are pinned: somebody may have unmounted one. */
  isWhole(id: string, namespaces: SandboxNamespaces): Promise<boolean>;
  /** Sandboxes that have something pinned. */
  list(): Promise<readonly string[]>;
}
