// SPDX-License-Identifier: Apache-2.0
// What a user can ask of a container: plain data, kept in the container's record as it was asked. Nothing here is
// resolved (an image's defaults, users, paths) and nothing is checked; buildSpec does both. undefined means "not asked".

import type { MountRequest } from "../../base/parse/mount-request.ts";
import type { PortMapping } from "../networks/network-driver.ts";
import type { LogRotation } from "../streams/container-log.ts";

export interface ContainerConfig {
  /** The image reference as it was typed. */
  readonly image: string;
  /** Replaces the image's command. */
  readonly command?: readonly string[];
  /** Replaces the image's entrypoint and drops its command; [] clears both. */
  readonly entrypoint?: readonly string[];
  /** KEY=VALUE sets, KEY alone unsets; the client has resolved what it takes from its own environment. */
  readonly environment: readonly string[];
  readonly workingDirectory?: string;
  /** "user", "uid", "user:group" or "uid:gid", resolved in the image's own files. */
  readonly user?: string;
  /** The container's short id when undefined. */
  readonly hostname?: string;
  readonly domainname?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly terminal: boolean;
  readonly openStdin: boolean;
  /** Stdin ends with the first client that was attached to it. */
  readonly stdinOnce: boolean;
  /** A name or a number. */
  readonly stopSignal?: string;
  readonly stopTimeoutSeconds?: number;
  /** "80/tcp", as --expose gave them. */
  readonly exposedPorts: readonly string[];
  /** Kept for those who ask; not run yet. */
  readonly healthcheck?: Readonly<Record<string, unknown>>;
  readonly resources: ResourceLimits;
  readonly privileged: boolean;
  /** With or without CAP_, or ALL. */
  readonly capabilitiesAdd: readonly string[];
  readonly capabilitiesDrop: readonly string[];
  /** Kept by a process that is not root; each is added to the others too. */
  readonly capabilitiesAmbient?: readonly string[];
  /** Exactly these are hidden; undefined is the default list, [] is none. */
  readonly maskedPaths?: readonly string[];
  /** Exactly these are read-only; undefined is the default list, [] is none. */
  readonly readonlyPaths?: readonly string[];
  /** no-new-privileges[=bool], seccomp=unconfined or its JSON text, apparmor=…, label=key:value, systempaths=unconfined. */
  readonly securityOptions: readonly string[];
  readonly readOnlyRoot: boolean;
  readonly mounts: readonly MountRequest[];
  readonly devices: readonly DeviceRequest[];
  /** "vendor/class=name", from the host's CDI specifications. */
  readonly cdiDevices?: readonly string[];
  /** "c 1:3 rwm", as the device cgroup takes them. */
  readonly deviceCgroupRules: readonly string[];
  readonly ulimits: readonly Ulimit[];
  readonly sysctls: Readonly<Record<string, string>>;
  /** 64 MiB when undefined. */
  readonly shmSizeBytes?: number;
  /** Names in the image's /etc/group, or numbers. */
  readonly groupAdd: readonly string[];
  /**
   * merge: the user's memberships of /etc/group count also when a group was named; strict: they never count. undefined
   * is Docker's way: they count when no group was named.
   */
  readonly supplementalGroupsPolicy?: "merge" | "strict";
  readonly oomScoreAdj?: number;
  /** "bridge", "none", "host", "container:<id>" or a network's name; "pod" in a pod, as the three after it. */
  readonly networkMode: string;
  /** "" is its own; "host", "container:<id>" or "pod". */
  readonly pidMode: string;
  /** "private", "shareable", "host", "none", "container:<id>" or "pod". */
  readonly ipcMode: string;
  /** "" is its own; "host" or "pod". */
  readonly utsMode: string;
  /** "" is the daemon's; "host", or "pod" when the pod has one. */
  readonly usernsMode?: string;
  /** "private" or "host"; by the host's cgroup version when undefined. */
  readonly cgroupnsMode?: string;
  readonly cgroupParent?: string;
  readonly ports: readonly PortMapping[];
  /** Publishes every exposed port on a random host port. */
  readonly publishAll: boolean;
  /** "name:address"; the address may be host-gateway. */
  readonly extraHosts: readonly string[];
  readonly dns: readonly string[];
  readonly dnsSearch: readonly string[];
  readonly dnsOptions: readonly string[];
  /** Runs a small init as process 1 that reaps and forwards signals. */
  readonly init: boolean;
  readonly runtimeHandler?: string;
  readonly autoRemove: boolean;
  readonly restartPolicy: RestartPolicy;
  readonly logRotation?: LogRotation;
  readonly annotations: Readonly<Record<string, string>>;
  /** "linux/arm64" and the like, as typed. */
  readonly platform?: string;
}

/** Whether it is for a pod, whose sandbox has the namespaces. */
export function isOfPod(config: Pick<ContainerConfig, "networkMode">): boolean {
  return config.networkMode === "pod";
}

/** Limits of the container's cgroup; undefined is no limit. */
export interface ResourceLimits {
  readonly memoryBytes?: number;
  readonly memoryReservationBytes?: number;
  /** Memory and swap together; -1 is unlimited swap; undefined is twice the memory. */
  readonly memorySwapBytes?: number;
  /** 0 to 100; cgroup version 1 only. */
  readonly memorySwappiness?: number;
  /** Billionths of a processor; excludes cpuPeriod and cpuQuota. */
  readonly nanoCpus?: number;
  readonly cpuShares?: number;
  /** Microseconds. */
  readonly cpuPeriod?: number;
  /** Microseconds of each period. */
  readonly cpuQuota?: number;
  /** "0-3,5". */
  readonly cpusetCpus?: string;
  readonly cpusetMems?: string;
  /** 0 and -1 are unlimited. */
  readonly pidsLimit?: number;
  /** 10 to 1000. */
  readonly blkioWeight?: number;
  readonly oomKillDisable?: boolean;
  readonly hugepageLimits?: readonly HugepageLimit[];
  /** Files of cgroup version 2 by name. */
  readonly unified?: Readonly<Record<string, string>>;
}

export interface HugepageLimit {
  /** As the kernel names it: "2MB", "1GB". */
  readonly pageSize: string;
  readonly limitBytes: number;
}

export type {
  BindMountRequest,
  ImageMountRequest,
  MountPropagation,
  MountRequest,
  TmpfsMountRequest,
  VolumeMountRequest,
} from "../../base/parse/mount-request.ts";

export interface DeviceRequest {
  readonly host: string;
  readonly container: string;
  /** Any of r, w and m. */
  readonly permissions: string;
}

export interface Ulimit {
  /** "nofile" and the like, lower case. */
  readonly name: string;
  /** -1 is unlimited. */
  readonly soft: number;
  readonly hard: number;
}

export interface RestartPolicy {
  readonly name: "no" | "always" | "unless-stopped" | "on-failure";
  /** For on-failure; 0 is without end. */
  readonly maximumRetries: number;
}
