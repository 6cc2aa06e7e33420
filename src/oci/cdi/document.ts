// SPDX-License-Identifier: Apache-2.0
// What the vendor of devices writes into a file of the Container Device Interface (CDI 1.1, SPEC.md): which devices
// there are, and what a container needs to use one of them.

import type { RuntimeHook, RuntimeHookStage } from "../runtime/spec.ts";

/** A file of a vendor. */
export interface CdiDocument {
  /** "vendor.com/class". */
  readonly kind: string;
  /** For each container that gets one of the devices. */
  readonly edits: ContainerEdits;
  /** By their names after the "=". */
  readonly devices: ReadonlyMap<string, ContainerEdits>;
}

/** What is changed in a container's runtime specification. */
export interface ContainerEdits {
  /** NAME=VALUE. */
  readonly environment: readonly string[];
  readonly deviceNodes: readonly CdiDeviceNode[];
  readonly netDevices: readonly CdiNetDevice[];
  readonly mounts: readonly CdiMount[];
  readonly hooks: readonly CdiHook[];
  readonly intelRdt?: CdiIntelRdt;
  readonly additionalGids: readonly number[];
}

/** A device file. What is undefined is as the host's own file has it. */
export interface CdiDeviceNode {
  readonly path: string;
  /** The path when undefined. */
  readonly hostPath?: string;
  readonly type?: "b" | "c" | "u" | "p";
  readonly major?: number;
  readonly minor?: number;
  readonly fileMode?: number;
  /** Any of r, w and m; "none"; undefined is all. */
  readonly permissions?: string;
  readonly uid?: number;
  readonly gid?: number;
}

/** An interface of the host that moves into the container. */
export interface CdiNetDevice {
  readonly hostInterfaceName: string;
  readonly name: string;
}

export interface CdiMount {
  readonly hostPath: string;
  readonly containerPath: string;
  readonly type?: string;
  readonly options: readonly string[];
}

export interface CdiHook extends RuntimeHook {
  readonly stage: RuntimeHookStage;
}

export interface CdiIntelRdt {
  readonly closID?: string;
  readonly l3CacheSchema?: string;
  readonly memBwSchema?: string;
  readonly schemata?: readonly string[];
  readonly enableMonitoring?: boolean;
}
