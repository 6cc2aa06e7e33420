// SPDX-License-Identifier: Apache-2.0
// What the machine is and what the daemon may give away on it. Read once at start and handed to whoever builds
// specifications or answers "info"; nothing in it changes while the daemon lives.

/** A limit as setrlimit(2) takes it; "unlimited" is RLIM_INFINITY. */
export interface RlimitFact {
  readonly soft: number | "unlimited";
  readonly hard: number | "unlimited";
}

/** How this machine's control groups are laid out. */
export interface CgroupFacts {
  /** The version that controls resources; a hybrid machine is version 1. */
  readonly version: 1 | 2;
  /** Version 1 controllers with a version 2 hierarchy beside them. */
  readonly hybrid: boolean;
  /** Usable controllers, such as "memory" and "pids"; on version 1 those with a mounted hierarchy. */
  readonly controllers: readonly string[];
  /** The daemon's own cgroup, from the hierarchy's root: "/system.slice/berth.service". On version 1 that of memory. */
  readonly ownPath: string;
  /** Whether swap can be limited; undefined when that is not known, which counts as yes. */
  readonly swapLimit?: boolean;
}

/** What this machine is and can do, read once when the daemon starts. */
export interface HostFacts {
  /** As images name it: "amd64", "arm64". */
  readonly architecture: string;
  /** uname's release, such as "6.1.0-18-amd64". */
  readonly kernelVersion: string;
  /** The distribution's pretty name. */
  readonly operatingSystem: string;
  readonly hostname: string;
  /** New at every boot (random(4)). */
  readonly bootId: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly cgroup: CgroupFacts;
  /** Capabilities that a container may be given ("CAP_CHOWN"): the daemon's bounding set and permitted set have them. */
  readonly capabilities: readonly string[];
  /** The daemon's own limits by OCI name ("RLIMIT_NOFILE"); raiseRlimits says whether hard ones may be exceeded. */
  readonly rlimits: Readonly<Record<string, RlimitFact>>;
  /** Whether a hard limit may be raised (CAP_SYS_RESOURCE). */
  readonly raiseRlimits: boolean;
  /** The lowest oom_score_adj that a child may be given, -1000 to 1000. */
  readonly oomScoreAdjMinimum: number;
  /** Whether the kernel filters system calls. */
  readonly seccomp: boolean;
  readonly apparmor: boolean;
  readonly selinux: boolean;
  /** Whether user namespaces may be made. */
  readonly userNamespaces: boolean;
  /** The servers of the host's resolv.conf that a container can reach: loopback stubs are replaced by those behind them. */
  readonly defaultNameservers: readonly string[];
}
