// SPDX-License-Identifier: Apache-2.0
// All that a runtime specification is made from. Whoever fills this in has looked at the machine (files, devices, other
// containers); the builder only decides, and gives the same answer for the same input.

import type { IdMappings } from "../../../base/id-mapping.ts";
import type { MountRequest } from "../../../base/parse/mount-request.ts";
import type { ContainerDefaults } from "../../../oci/image/documents.ts";
import type { RuntimeDevice } from "../../../oci/runtime/spec.ts";
import type { HostFacts } from "../../host/host-facts.ts";
import type { NetworkFilePaths } from "../../networks/network-files.ts";
import type { ContainerConfig } from "../container-config.ts";
import type { ResolvedUser } from "../user.ts";

/** The host's namespace, one that the runtime makes, or one that is there at a path. */
export type NamespaceChoice = "host" | "new" | { readonly path: string };

export interface NamespaceChoices {
  readonly network: NamespaceChoice;
  readonly ipc: NamespaceChoice;
  readonly uts: NamespaceChoice;
  readonly pid: NamespaceChoice;
  /** The host's when undefined. */
  readonly user?: NamespaceChoice;
}

/** A mount whose source is there. */
export interface ResolvedMount {
  readonly request: MountRequest;
  /** The directory or file on the host: of a bind, a volume, a mounted image; "" for a tmpfs. */
  readonly source: string;
}

/** A device of the host at its path in the container. */
export interface ResolvedDevice extends RuntimeDevice {
  readonly type: "c" | "b";
  readonly major: number;
  readonly minor: number;
  /** Any of r, w and m. */
  readonly permissions: string;
}

export interface SpecInput {
  readonly id: string;
  /** Containers with the same one may share a shim. */
  readonly sandboxId: string;
  readonly config: ContainerConfig;
  /** What the image says a container starts with. */
  readonly image: ContainerDefaults;
  readonly host: HostFacts;
  readonly hostname: string;
  readonly user: ResolvedUser;
  /** The mounted root filesystem. */
  readonly rootfsPath: string;
  readonly namespaces: NamespaceChoices;
  /** Of the user namespace, when there is one. */
  readonly idMappings?: IdMappings;
  /** What runtimes are told beyond what was asked; all that they are told of a pod's container. */
  readonly annotations?: Readonly<Record<string, string>>;
  readonly mounts: readonly ResolvedMount[];
  /** hosts, resolv.conf and hostname on the host; undefined leaves the image's. */
  readonly networkFiles?: NetworkFilePaths;
  /** The /dev/shm that containers with one IPC namespace share. */
  readonly sharedMemoryPath?: string;
  /** What config.devices asked for. */
  readonly devices: readonly ResolvedDevice[];
  /** Every device of the host, for privileged containers. */
  readonly hostDevices: readonly ResolvedDevice[];
  readonly features: SpecFeatures;
  /** The init program on the host; needed when the configuration asks for it. */
  readonly initPath?: string;
}

/** What the runtime behind the handler can do. */
export interface SpecFeatures {
  /** The highest ociVersion it takes. */
  readonly ociVersion: string;
  readonly seccomp: boolean;
  /** Whether it knows the mount option rro and the kernel does (5.12). */
  readonly recursiveReadOnly?: boolean;
  /** Whether it knows the mount options idmap and ridmap and the kernel does (5.12). */
  readonly idMappedMounts?: boolean;
  /** Whether cgroupsPath is "slice:prefix:name". */
  readonly systemdCgroup?: boolean;
}
