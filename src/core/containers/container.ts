// SPDX-License-Identifier: Apache-2.0
// The container: a record of what was asked for, what it became, and the state it is in.
//
// A record is made by create, changes state with the task that runs it, and goes with remove. It is the truth of the
// engine: the kernel is brought in line with it when a daemon starts, never the other way round.

import type { Digest } from "../../base/digest.ts";
import type { ContainerId, SandboxId } from "../../base/ids.ts";
import type { ContainerDefaults } from "../../oci/image/documents.ts";
import type { RuntimeProcess } from "../../oci/runtime/spec.ts";
import { defineTable } from "../../storage/store.ts";
import type { PortMapping } from "../networks/network-driver.ts";
import type { ContainerConfig } from "./container-config.ts";
import type { ResolvedMount } from "./spec/spec-input.ts";

/** As docker ps names it. */
export type ContainerStatus = "created" | "running" | "paused" | "exited" | "dead";

/** Times are milliseconds since 1970. */
export interface ContainerState {
  readonly status: ContainerStatus;
  /** On the host; 0 when it does not run. */
  readonly pid: number;
  /** 0 to 255; of the last run. */
  readonly exitCode: number;
  readonly oomKilled: boolean;
  /** Why it could not be started, or "". */
  readonly error: string;
  readonly startedAt?: number;
  readonly finishedAt?: number;
  /** Nobody could tell any more how it ended. */
  readonly lost?: boolean;
  /** It was made to stand still for a checkpoint: should the daemon die over that, the next one lets it go on. */
  readonly checkpointing?: boolean;
  /** How its process ended, while the rest of its end is still to be done: should the daemon die over it. */
  readonly ending?: ContainerEnding;
}

/** How a container's process ended. */
export interface ContainerEnding {
  readonly exitCode: number;
  /** Milliseconds since 1970. */
  readonly exitedAt: number;
  readonly oomKilled: boolean;
}

export const initialState: ContainerState = { status: "created", pid: 0, exitCode: 0, oomKilled: false, error: "" };

/** A mount that was asked for, or that the image declares, with where it comes from. */
export interface ContainerMount extends ResolvedMount {
  /** The name of the volume that it shows. */
  readonly volume?: string;
  /** The volume was made for this container alone and goes with it. */
  readonly anonymous: boolean;
  /** The image that it shows. */
  readonly image?: MountedImage;
}

/** An image that is mounted into a container. */
export interface MountedImage {
  readonly id: Digest;
  /** The view of its layers. */
  readonly snapshotKey: string;
  /** Where the view is mounted on the host; the mount's source is this directory or one below it. */
  readonly directory: string;
}

/** What makes a container of a pod one container: asked for again it is the same. */
export interface PodContainerMetadata {
  readonly name: string;
  /** How often it has been tried before. */
  readonly attempt: number;
  /** The image as a person wrote it, where the orchestrator has put something else in its place. */
  readonly userSpecifiedImage?: string;
}

/** A container as it is stored. */
export interface ContainerRecord {
  readonly id: ContainerId;
  readonly name: string;
  readonly createdAt: number;
  readonly config: ContainerConfig;
  readonly imageId: Digest;
  /** What the image says a container starts with; kept, because the image may be removed by force. */
  readonly imageDefaults: ContainerDefaults;
  readonly sandboxId: SandboxId;
  /** Its sandbox is a pod, which outlives it. */
  readonly pod?: PodContainerMetadata;
  readonly handler: string;
  readonly snapshotter: string;
  readonly snapshotKey: string;
  /** entrypoint and command together are what runs, image and user merged. */
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly hostname: string;
  /** "80/tcp", image and user merged. */
  readonly exposedPorts: readonly string[];
  readonly stopSignal: string;
  readonly mounts: readonly ContainerMount[];
  /** "" when its output is dropped. */
  readonly logPath: string;
  /** What is published while it runs. */
  readonly ports: readonly PortMapping[];
  readonly state: ContainerState;
  /** The process it runs or ran, or will run when that is decided, as its runtime gets it: execs inherit from it. */
  readonly process?: RuntimeProcess;
}

/** Containers by id. */
export const containerTable = defineTable<ContainerRecord>("containers");

/** Ids by name: what makes a name belong to one container. */
export const containerNameTable = defineTable<ContainerId>("container-names");

/** The specifications, as text, of containers that have theirs from their creation on. */
export const containerSpecTable = defineTable<string>("container-specs");
