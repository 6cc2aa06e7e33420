// SPDX-License-Identifier: Apache-2.0
// A task that a shim holds: its init process and what concerns all of its processes.

import { hasCode, notFound } from "../../../base/errors.ts";
import { cleanup } from "../../../base/lifetime.ts";
import { type PosixSignal, sigkill } from "../../../base/posix-signal.ts";
import type { Stdio } from "../../../core/streams/stdio.ts";
import type {
  CgroupDirectories,
  CheckpointRequest,
  Process,
  ProcessStatus,
  Task,
} from "../../../core/tasks/task-runtime.ts";
import type { StateResponse } from "../../../gen/containerd/task/v2/task_pb.js";
import { Status } from "../../../gen/containerd/v1/types/task_pb.js";
import { killProcessTree } from "../../../linux/process/process-tree.ts";
import type { RuntimeProcess, RuntimeResources } from "../../../oci/runtime/spec.ts";
import { checkCriu, checkpointTask } from "./checkpoint.ts";
import { type ProcessDependencies, ShimProcess, toExit } from "./process.ts";
import { uncancelled } from "./uncancelled.ts";

export interface TaskDependencies extends ProcessDependencies {
  readonly cgroups: CgroupDirectories;
  /** Whether the OOM killer hit it so far. */
  readonly readOomKilled: () => Promise<boolean>;
  /** The shim has forgotten it: removes the bundle and lets go of the shim. */
  readonly onDeleted: () => Promise<void>;
}

const statusByNumber: Readonly<Record<Status, ProcessStatus | undefined>> = {
  [Status.UNKNOWN]: undefined,
  [Status.CREATED]: "created",
  [Status.RUNNING]: "running",
  [Status.STOPPED]: "stopped",
  [Status.PAUSED]: "paused",
  [Status.PAUSING]: "running",
};

export class ShimTask extends ShimProcess implements Task {
  readonly #dependencies: TaskDependencies;
  #oomKilled: boolean | undefined;
  #started = false;
  #finished = false;

  constructor(dependencies: TaskDependencies, pid: number) {
    super(dependencies, "", pid);
    this.#dependencies = dependencies;
  }

  get cgroups(): CgroupDirectories {
    return this.#dependencies.cgroups;
  }

  /** Takes over what the shim says of a task that an earlier daemon made. */
  restore({ status, exitStatus, exitedAt }: StateResponse): void {
    this.#started = status !== Status.CREATED;
    if (status === Status.STOPPED) this.finish(toExit(exitStatus, exitedAt));
    else this.watch();
  }

  override async start(options: { readonly signal: AbortSignal }): Promise<void> {
    await super.start(options);
    this.#started = true;
  }

  async status({ signal }: { readonly signal: AbortSignal }): Promise<ProcessStatus> {
    this.checkExists();
    if (this.exited) return "stopped";
    const { shim, taskId } = this.#dependencies;
    const { status } = await this.existing(shim.call(shim.method.state, { id: taskId }, { signal }));
    return statusByNumber[status] ?? "stopped";
  }

  async oomKilled(): Promise<boolean> {
    return this.#oomKilled ?? (await this.#dependencies.readOomKilled());
  }

  async exec(
    execId: string,
    process: RuntimeProcess,
    stdio: Stdio,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<Process> {
    this.checkExists();
    const { shim, taskId } = this.#dependencies;
    const spec = jsonAny("Process", { ...process, terminal: stdio.terminal });
    const request = { id: taskId, execId, ...stdioFields(stdio), spec };
    await this.existing(shim.call(shim.method.exec, request, { signal }));
    return new ShimExec(this.#dependencies, execId, 0);
  }

  async adoptExec(execId: string, { signal }: { readonly signal: AbortSignal }): Promise<Process | undefined> {
    const { shim, taskId } = this.#dependencies;
    try {
      const state = await this.existing(shim.call(shim.method.state, { id: taskId, execId }, { signal }));
      const exec = new ShimExec(this.#dependencies, execId, state.pid);
      if (state.status === Status.STOPPED) exec.finish(toExit(state.exitStatus, state.exitedAt));
      else if (state.status === Status.CREATED) await exec.delete({ signal });
      else exec.watch();
      return state.status === Status.CREATED ? undefined : exec;
    } catch (error) {
      if (hasCode(error, "not-found")) return undefined;
      throw error;
    }
  }

  async pids({ signal }: { readonly signal: AbortSignal }): Promise<readonly number[]> {
    this.checkExists();
    const { shim, taskId } = this.#dependencies;
    const { processes } = await this.existing(shim.call(shim.method.pids, { id: taskId }, { signal }));
    return processes.map(({ pid }) => pid);
  }

  async pause({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    this.checkExists();
    const { shim, taskId } = this.#dependencies;
    await this.existing(shim.call(shim.method.pause, { id: taskId }, { signal }));
  }

  async resume({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    this.checkExists();
    const { shim, taskId } = this.#dependencies;
    await this.existing(shim.call(shim.method.resume, { id: taskId }, { signal }));
  }

  async update(resources: RuntimeResources, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    this.checkExists();
    const { shim, taskId } = this.#dependencies;
    const request = { id: taskId, resources: jsonAny("LinuxResources", resources) };
    await this.existing(shim.call(shim.method.update, request, { signal }));
  }

  async probeCheckpoint({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    // Runtimes that are not named by a binary have ways of their own.
    if (this.#dependencies.shim.handler.binary !== undefined) await checkCriu({ signal });
  }

  async checkpoint(request: CheckpointRequest, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    this.checkExists();
    await this.existing(checkpointTask(this.#dependencies, request, { signal }));
  }

  override async delete({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    if (this.#finished) return;
    this.#oomKilled ??= await this.#dependencies.readOomKilled();
    if (!this.#started && !this.exited) await this.#endUnstarted(signal);
    await super.delete({ signal });
    await this.#dependencies.onDeleted();
    this.#finished = true;
  }

  /** A task whose init never ran is still a process, which the runtime does not delete. */
  async #endUnstarted(signal: AbortSignal): Promise<void> {
    try {
      await this.kill(sigkill, { all: false, signal });
    } catch (error) {
      if (!hasCode(error, "not-found")) throw error;
      return; // it ended by itself
    }
    this.watch();
    await this.wait({ signal });
  }
}

/** Another process in a task; undoes itself when it cannot be started. */
class ShimExec extends ShimProcess {
  override async start({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    try {
      using _turn = await this.dependencies.shim.execTurn.acquire("", { signal });
      await uncancelled(signal, (own) => super.start({ signal: own }));
    } catch (error) {
      await cleanup((own) => this.#undoStart(own)).catch(() => {}); // the failure to start says more
      throw error;
    }
  }

  /** It may have started when nobody waited for it any more: a shim deletes none that runs. */
  async #undoStart(signal: AbortSignal): Promise<void> {
    if (this.pid !== 0) {
      await this.kill(sigkill, { all: true, signal }).catch(() => {}); // it has ended by itself, or waiting for it tells what is wrong
      await this.wait({ signal });
    }
    await this.delete({ signal });
  }

  /** Shims know no more than the process itself; runtimes put an exec into a process group of its own. */
  override async kill(
    posixSignal: PosixSignal,
    { all = false, signal }: { readonly all?: boolean; readonly signal: AbortSignal },
  ): Promise<void> {
    if (!all) {
      await super.kill(posixSignal, { signal });
      return;
    }
    this.checkExists();
    if (this.exited || !killProcessTree(this.pid, posixSignal)) throw notFound("process", this.id);
  }
}

/** The fields of Create and Exec for standard streams. */
export function stdioFields(stdio: Stdio): {
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly terminal: boolean;
} {
  const { stdin = "", stdout = "", stderr = "", terminal } = stdio;
  return { stdin, stdout, stderr: terminal ? "" : stderr, terminal };
}

/** A part of the OCI runtime specification as shims take it: JSON under a type name of containerd's. */
function jsonAny(name: "Process" | "LinuxResources", value: object): { typeUrl: string; value: Uint8Array } {
  return {
    typeUrl: `types.containerd.io/opencontainers/runtime-spec/1/${name}`,
    value: Buffer.from(JSON.stringify(value)),
  };
}
