// SPDX-License-Identifier: Apache-2.0
// The parts of the OCI runtime specification 1.3 (config.md, config-linux.md) that Berth writes into config.json.

/** config.json of a bundle, as far as this engine writes it (runtime-spec, config.md). */
export interface RuntimeSpec {
  readonly ociVersion: string;
  readonly process: RuntimeProcess;
  readonly root: { readonly path: string; readonly readonly?: boolean };
  readonly hostname?: string;
  readonly domainname?: string;
  readonly mounts: readonly RuntimeMount[];
  readonly hooks?: RuntimeHooks;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly linux: RuntimeLinux;
}

/** Programs of the host that the runtime calls at stages of a container's life, with its state on stdin. */
export type RuntimeHooks = { readonly [Stage in RuntimeHookStage]?: readonly RuntimeHook[] };

export const runtimeHookStages = [
  "prestart",
  "createRuntime",
  "createContainer",
  "startContainer",
  "poststart",
  "poststop",
] as const;

export type RuntimeHookStage = (typeof runtimeHookStages)[number];

export interface RuntimeHook {
  /** Absolute. */
  readonly path: string;
  /** The first is the program's own name. */
  readonly args?: readonly string[];
  readonly env?: readonly string[];
  /** Seconds. */
  readonly timeout?: number;
}

/** What runs, as whom, with what. */
export interface RuntimeProcess {
  readonly terminal?: boolean;
  readonly consoleSize?: { readonly height: number; readonly width: number };
  readonly user: RuntimeUser;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly capabilities?: RuntimeCapabilities;
  readonly rlimits?: readonly RuntimeRlimit[];
  readonly noNewPrivileges?: boolean;
  readonly oomScoreAdj?: number;
  readonly apparmorProfile?: string;
  readonly selinuxLabel?: string;
  readonly ioPriority?: RuntimeIoPriority;
  readonly scheduler?: RuntimeScheduler;
}

/** What ioprio_set(2) is given. */
export interface RuntimeIoPriority {
  /** IOPRIO_CLASS_RT, IOPRIO_CLASS_BE or IOPRIO_CLASS_IDLE. */
  readonly class: string;
  readonly priority: number;
}

/** What sched_setattr(2) is given. */
export interface RuntimeScheduler {
  /** SCHED_FIFO and the like. */
  readonly policy: string;
  readonly nice?: number;
  readonly priority?: number;
  /** SCHED_FLAG_RESET_ON_FORK and the like. */
  readonly flags?: readonly string[];
  /** Nanoseconds, of the deadline policy, as the next two. */
  readonly runtime?: number;
  readonly deadline?: number;
  readonly period?: number;
}

/** Numbers, resolved in the image. */
export interface RuntimeUser {
  readonly uid: number;
  readonly gid: number;
  readonly umask?: number;
  readonly additionalGids?: readonly number[];
}

/** Capability names with their CAP_ prefix. */
export interface RuntimeCapabilities {
  readonly bounding: readonly string[];
  readonly effective: readonly string[];
  readonly inheritable?: readonly string[];
  readonly permitted: readonly string[];
  readonly ambient?: readonly string[];
}

/** A limit by its RLIMIT_ name. */
export interface RuntimeRlimit {
  /** RLIMIT_NOFILE and the like. */
  readonly type: string;
  readonly soft: RlimitValue;
  readonly hard: RlimitValue;
}

/** A number that JSON.stringify writes digit by digit. */
export interface RawJson {
  readonly rawJSON: string;
}

/** RLIM_INFINITY is a 64-bit number that no double holds: see unlimitedRlimit. */
export type RlimitValue = number | RawJson;

/** RLIM_INFINITY (setrlimit(2)), as config.json writes it. */
export const unlimitedRlimit: RlimitValue = (JSON as unknown as { rawJSON(text: string): RawJson }).rawJSON(
  "18446744073709551615",
);

/** In the order of mounting. */
export interface RuntimeMount {
  readonly destination: string;
  readonly type?: string;
  readonly source?: string;
  readonly options?: readonly string[];
  /** With the option idmap or ridmap. */
  readonly uidMappings?: readonly RuntimeIdMapping[];
  readonly gidMappings?: readonly RuntimeIdMapping[];
}

/** By the names of the specification. */
export type RuntimeNamespaceType = "pid" | "network" | "mount" | "ipc" | "uts" | "user" | "cgroup" | "time";

/** A new one, or that of a path. */
export interface RuntimeNamespace {
  readonly type: RuntimeNamespaceType;
  readonly path?: string;
}

/** What only Linux has (config-linux.md). */
export interface RuntimeLinux {
  readonly namespaces: readonly RuntimeNamespace[];
  readonly uidMappings?: readonly RuntimeIdMapping[];
  readonly gidMappings?: readonly RuntimeIdMapping[];
  readonly devices?: readonly RuntimeDevice[];
  readonly cgroupsPath?: string;
  readonly resources?: RuntimeResources;
  readonly rootfsPropagation?: "private" | "shared" | "slave" | "rprivate" | "rshared" | "rslave";
  readonly seccomp?: RuntimeSeccomp;
  readonly sysctl?: Readonly<Record<string, string>>;
  readonly maskedPaths?: readonly string[];
  readonly readonlyPaths?: readonly string[];
  readonly mountLabel?: string;
  /** What set_mempolicy(2) is given (1.3). */
  readonly memoryPolicy?: { readonly mode: string; readonly nodes: string; readonly flags?: readonly string[] };
  readonly intelRdt?: RuntimeIntelRdt;
  /** Interfaces of the host that move into the container, by their names there (1.3). */
  readonly netDevices?: Readonly<Record<string, { readonly name?: string }>>;
}

/** Shares of the processor's cache and memory bandwidth (config-linux.md, IntelRdt). */
export interface RuntimeIntelRdt {
  readonly closID?: string;
  readonly l3CacheSchema?: string;
  readonly memBwSchema?: string;
  /** 1.3. */
  readonly schemata?: readonly string[];
  /** 1.3. */
  readonly enableMonitoring?: boolean;
  readonly enableCMT?: boolean;
  readonly enableMBM?: boolean;
}

/** A range of ids in a user namespace. */
export interface RuntimeIdMapping {
  readonly containerID: number;
  readonly hostID: number;
  readonly size: number;
}

/** A device file to make. */
export interface RuntimeDevice {
  readonly type: "c" | "b" | "u" | "p";
  readonly path: string;
  readonly major?: number;
  readonly minor?: number;
  readonly fileMode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

/** Limits of the cgroup. */
export interface RuntimeResources {
  readonly devices?: readonly RuntimeDeviceRule[];
  readonly memory?: {
    readonly limit?: number;
    readonly reservation?: number;
    readonly swap?: number;
    readonly kernel?: number;
    readonly kernelTCP?: number;
    readonly swappiness?: number;
    readonly disableOOMKiller?: boolean;
    readonly useHierarchy?: boolean;
  };
  readonly cpu?: {
    readonly shares?: number;
    readonly quota?: number;
    readonly period?: number;
    readonly realtimeRuntime?: number;
    readonly realtimePeriod?: number;
    readonly cpus?: string;
    readonly mems?: string;
  };
  readonly pids?: { readonly limit: number };
  readonly blockIO?: { readonly weight?: number };
  readonly hugepageLimits?: readonly { readonly pageSize: string; readonly limit: number }[];
  readonly unified?: Readonly<Record<string, string>>;
}

/** Which devices may be used. */
export interface RuntimeDeviceRule {
  readonly allow: boolean;
  readonly type?: "a" | "c" | "b";
  readonly major?: number;
  readonly minor?: number;
  /** Any of r, w and m. */
  readonly access?: string;
}

/** A filter of system calls. */
export interface RuntimeSeccomp {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number;
  readonly architectures?: readonly string[];
  readonly flags?: readonly string[];
  /** A unix socket that gets the descriptors of notifications. */
  readonly listenerPath?: string;
  readonly listenerMetadata?: string;
  readonly syscalls?: readonly RuntimeSyscall[];
}

/** What to do with these calls. */
export interface RuntimeSyscall {
  readonly names: readonly string[];
  readonly action: string;
  readonly errnoRet?: number;
  readonly args?: readonly {
    readonly index: number;
    readonly value: number;
    readonly valueTwo?: number;
    readonly op: string;
  }[];
}
