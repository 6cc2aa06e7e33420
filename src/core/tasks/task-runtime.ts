// SPDX-License-Identifier: Apache-2.0
// Tasks: running containers.
//
// A task is made from a runtime specification and a mounted root filesystem, is started, runs one init process and any
// number of exec processes, and is deleted after its init has exited. It outlives the daemon: adopt finds it again.
// Standard streams are FIFOs that the caller made; exits are answers of wait, which may be asked at any time and by many.

import type { PosixSignal } from "../../base/posix-signal.ts";
import type { RuntimeProcess, RuntimeResources, RuntimeSpec } from "../../oci/runtime/spec.ts";
import type { Stdio } from "../streams/stdio.ts";

export interface Exit {
  /** 0 to 255; 128+n when signal n ended it. */
  readonly exitCode: number;
  /** Milliseconds since 1970. */
  readonly exitedAt: number;
}

/** A named way to run, from the configuration. */
export interface RuntimeHandler {
  readonly name: string;
  /** The driver, such as "shim". */
  readonly driver: string;
  /** The shim's executable: a path, or a name looked up in PATH. */
  readonly shim: string;
  /** The OCI runtime's executable for shims that take one; a path or a name. */
  readonly binary?: string;
  readonly systemdCgroup: boolean;
  /**
   * What makes a pod's sandbox: namespaces alone (undefined), or a task in them before any container, as the shims of
   * gVisor and Kata want it.
   */
  readonly sandboxer?: "namespaces" | "task";
  /** What the task of a pod runs; a program of our own that waits when undefined. */
  readonly sandboxImage?: string;
}

export interface TaskRequest {
  readonly id: string;
  /** Tasks of one sandbox may share a shim. */
  readonly sandboxId: string;
  readonly handler: RuntimeHandler;
  readonly spec: RuntimeSpec;
  /** A directory that is mounted already. */
  readonly rootfs: string;
  readonly stdio: Stdio;
  /**
   * Who shall own the pipes of all its processes' streams, as the host sees it: root of a user namespace, which could not
   * open /dev/stdout otherwise. Whoever runs the daemon when undefined.
   */
  readonly stdioOwner?: { readonly uid: number; readonly gid: number };
}

export type ProcessStatus = "created" | "running" | "paused" | "stopped";

/** Init or exec. After delete every method but wait fails with not-found. */
export interface Process {
  readonly id: string;
  /** 0 until the runtime has made it. */
  readonly pid: number;
  start(options: { readonly signal: AbortSignal }): Promise<void>;
  /** Resolves when it has exited, also if that was long ago. */
  wait(options: { readonly signal: AbortSignal }): Promise<Exit>;
  /** not-found when it has exited. all: of init every process of the task, of an exec its process group and descendants. */
  kill(posixSignal: PosixSignal, options: { readonly all?: boolean; readonly signal: AbortSignal }): Promise<void>;
  resize(
    size: { readonly width: number; readonly height: number },
    options: { readonly signal: AbortSignal },
  ): Promise<void>;
  /** Ends its stdin. Whoever writes to the FIFO closes it first: the process sees the end when the last writer has gone. */
  closeStdin(options: { readonly signal: AbortSignal }): Promise<void>;
  /** Frees what the runtime keeps of it; idempotent. */
  delete(options: { readonly signal: AbortSignal }): Promise<void>;
}

/** Directories of one cgroup by their hierarchies' names: "memory", "cpu,cpuacct"; "" is version 2. */
export type CgroupDirectories = Readonly<Record<string, string>>;

/** Where the checkpoint of a task goes, and how long it may take. */
export interface CheckpointRequest {
  /** An empty directory for the images of its processes. */
  readonly imageDirectory: string;
  /** A directory for what is said about them: dump.log, stats-dump. */
  readonly workDirectory: string;
  readonly timeoutMs: number;
}

export interface Task extends Process {
  /** Where its processes are accounted for on this machine; empty when that is not known. */
  readonly cgroups: CgroupDirectories;
  status(options: { readonly signal: AbortSignal }): Promise<ProcessStatus>;
  /** True when the kernel's OOM killer hit its cgroup, by event or by the counter; ask before delete. */
  oomKilled(): Promise<boolean>;
  /** Makes (does not start) another process in it. */
  exec(
    execId: string,
    process: RuntimeProcess,
    stdio: Stdio,
    options: { readonly signal: AbortSignal },
  ): Promise<Process>;
  /** The process that an earlier daemon made, started or exited; undefined when the task does not know it. */
  adoptExec(execId: string, options: { readonly signal: AbortSignal }): Promise<Process | undefined>;
  pids(options: { readonly signal: AbortSignal }): Promise<readonly number[]>;
  pause(options: { readonly signal: AbortSignal }): Promise<void>;
  resume(options: { readonly signal: AbortSignal }): Promise<void>;
  update(resources: RuntimeResources, options: { readonly signal: AbortSignal }): Promise<void>;
  /** failed-precondition with the reason when its runtime cannot write checkpoints on this machine. */
  probeCheckpoint(options: { readonly signal: AbortSignal }): Promise<void>;
  /**
   * Writes down what its processes have in memory and open, so that they could go on elsewhere, and leaves them as they
   * are, paused or running. failed-precondition with the reason when they have something that cannot be written down,
   * deadline-exceeded when it takes too long; the runtime is at it until then, also when the signal aborts.
   */
  checkpoint(request: CheckpointRequest, options: { readonly signal: AbortSignal }): Promise<void>;
}

export interface TaskRuntime extends AsyncDisposable {
  /** Makes the bundle and the task and stops before its process runs. Undoes itself when it fails. */
  create(request: TaskRequest, options: { readonly signal: AbortSignal }): Promise<Task>;
  /** Gets ready for a task of this sandbox ahead of create, to save time; failure shows in create. */
  warm?(request: { readonly id: string; readonly sandboxId: string; readonly handler: RuntimeHandler }): void;
  /** The task that an earlier daemon left, running or exited; undefined when nothing of it can be asked any more. */
  adopt(id: string, options: { readonly signal: AbortSignal }): Promise<Task | undefined>;
  /** Removes everything of a task that is gone or broken: kills its processes, its shim, its cgroup, its bundle. */
  purge(id: string, options: { readonly signal: AbortSignal }): Promise<void>;
  /** Ids that have a bundle on disk. */
  list(): Promise<readonly string[]>;
  /** failed-precondition with the reason when this handler cannot run here. */
  probe(handler: RuntimeHandler, options: { readonly signal: AbortSignal }): Promise<RuntimeFeatures>;
}

/** What the OCI runtime behind a handler can do. */
export interface RuntimeFeatures {
  readonly name: string;
  readonly version: string;
  /** The highest ociVersion its config.json may carry. */
  readonly ociVersion: string;
  readonly seccomp: boolean;
  /** Whether binds can be made read-only with all that is mounted below them (mount option rro). */
  readonly recursiveReadOnly?: boolean;
  /** Whether it knows the mount options idmap and ridmap and the kernel does (5.12). */
  readonly idMappedMounts?: boolean;
}
