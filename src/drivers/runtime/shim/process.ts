// SPDX-License-Identifier: Apache-2.0
// A process that a shim holds: init or exec. Its exit is asked for once, by one Wait call that is made again when the
// connection was lost, and remembered; when the shim itself is gone, the exit is what the driver makes of the remains.

import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { hasCode, notFound, toEngineError } from "../../../base/errors.ts";
import { raceSignal, type TaskGroup } from "../../../base/lifetime.ts";
import type { PosixSignal } from "../../../base/posix-signal.ts";
import type { Exit, Process } from "../../../core/tasks/task-runtime.ts";
import { isGone, withRuntimeLog } from "./errors.ts";
import type { Shim } from "./shim.ts";

export interface ProcessDependencies {
  readonly shim: Shim;
  readonly taskId: string;
  readonly bundle: string;
  /** Runs what waits for exits. */
  readonly group: TaskGroup;
  /** The shim is gone: ends what is left of the task. */
  readonly onShimLost: () => Promise<Exit>;
}

export class ShimProcess implements Process {
  readonly id: string;
  protected readonly dependencies: ProcessDependencies;
  /** As the shim names it: empty for init. */
  readonly #execId: string;
  readonly #exit = Promise.withResolvers<Exit>();
  #pid: number;
  #exited = false;
  #watched = false;
  #deleted = false;

  constructor(dependencies: ProcessDependencies, execId: string, pid: number) {
    this.dependencies = dependencies;
    this.id = execId === "" ? dependencies.taskId : execId;
    this.#execId = execId;
    this.#pid = pid;
    this.#exit.promise.catch(() => {}); // those who wait are told; that nobody waits is no error
  }

  get pid(): number {
    return this.#pid;
  }

  async start({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    this.checkExists();
    const { shim, bundle } = this.dependencies;
    try {
      const { pid } = await shim.call(shim.method.start, this.address, { signal });
      this.#pid = pid;
    } catch (error) {
      signal.throwIfAborted();
      throw await withRuntimeLog(error, bundle);
    }
    this.watch();
  }

  async wait({ signal }: { readonly signal: AbortSignal }): Promise<Exit> {
    return await raceSignal(this.#exit.promise, signal);
  }

  async kill(
    posixSignal: PosixSignal,
    { all = false, signal }: { readonly all?: boolean; readonly signal: AbortSignal },
  ): Promise<void> {
    this.checkExists();
    if (this.#exited && !all) throw notFound("process", this.id);
    const { shim } = this.dependencies;
    await this.existing(shim.call(shim.method.kill, { ...this.address, signal: posixSignal, all }, { signal }));
  }

  async resize(
    { width, height }: { readonly width: number; readonly height: number },
    { signal }: { readonly signal: AbortSignal },
  ): Promise<void> {
    this.checkExists();
    const { shim } = this.dependencies;
    await this.existing(shim.call(shim.method.resizePty, { ...this.address, width, height }, { signal }));
  }

  async closeStdin({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    this.checkExists();
    const { shim } = this.dependencies;
    await this.existing(shim.call(shim.method.closeIO, { ...this.address, stdin: true }, { signal }));
  }

  async delete({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    if (this.#deleted) return;
    const { shim } = this.dependencies;
    try {
      const { exitStatus, exitedAt } = await shim.call(shim.method.delete, this.address, { signal });
      this.finish(toExit(exitStatus, exitedAt));
    } catch (error) {
      if (!isGone(error) && !hasCode(error, "unavailable")) {
        throw toEngineError(error, `delete process ${this.id}`);
      }
    }
    this.#deleted = true;
  }

  /** Asks for the exit in the background, once. */
  watch(): void {
    if (this.#watched) return;
    this.#watched = true;
    this.dependencies.group.run(`wait for ${this.id}`, (signal) => this.#watchExit(signal));
  }

  /** The exit is known: from Wait, Delete or State, or made up for a shim that is gone. */
  finish(exit: Exit): void {
    this.#watched = true;
    this.#exited = true;
    this.#exit.resolve(exit);
  }

  protected get exited(): boolean {
    return this.#exited;
  }

  /** How the shim knows this process. */
  protected get address(): { readonly id: string; readonly execId: string } {
    return { id: this.dependencies.taskId, execId: this.#execId };
  }

  protected checkExists(): void {
    if (this.#deleted) throw notFound("process", this.id);
  }

  /** The answer of a call about this process; not-found when the process has ended, however the runtime says it. */
  protected async existing<T>(call: Promise<T>): Promise<T> {
    try {
      return await call;
    } catch (error) {
      throw isGone(error) ? notFound("process", this.id, error) : toEngineError(error);
    }
  }

  async #watchExit(signal: AbortSignal): Promise<void> {
    const { shim, onShimLost } = this.dependencies;
    for (;;) {
      try {
        const { exitStatus, exitedAt } = await shim.call(shim.method.wait, this.address, { signal });
        this.finish(toExit(exitStatus, exitedAt));
        return;
      } catch (error) {
        if (signal.aborted || this.#exited) return;
        if (!hasCode(error, "unavailable")) {
          this.#exit.reject(toEngineError(error, `wait for process ${this.id}`));
          throw error;
        }
      }
      try {
        await shim.connect({ signal });
      } catch (error) {
        if (signal.aborted || this.#exited) return;
        if (!hasCode(error, "unavailable")) throw error;
        this.finish(await onShimLost());
        return;
      }
    }
  }
}

/** An exit as a shim reports it; one without a time was now. */
export function toExit(exitStatus: number, exitedAt: Timestamp | undefined): Exit {
  const milliseconds = exitedAt === undefined ? 0 : Number(exitedAt.seconds) * 1000 + Math.floor(exitedAt.nanos / 1e6);
  return { exitCode: exitStatus & 0xff, exitedAt: milliseconds > 0 ? milliseconds : Date.now() };
}
