// SPDX-License-Identifier: Apache-2.0
// The shims of one daemon, one a sandbox. A shim lives while somebody uses it: a task that exists or one that was
// announced. Starting and ending the shim of one sandbox exclude each other.

import { readdir } from "node:fs/promises";
import { failedPrecondition, hasCode, messageOf, unavailable } from "../../../base/errors.ts";
import { KeyedLock } from "../../../base/keyed-lock.ts";
import type { RuntimeHandler } from "../../../core/tasks/task-runtime.ts";
import { killProcess } from "../../../linux/process/process-identity.ts";
import { readShimRecord, readTaskRecords } from "./bundle.ts";
import { removeShim } from "./remove-shim.ts";
import { attachShim, type Shim, type ShimEnvironment, startShim } from "./shim.ts";

/** How long a shim may take to end after Shutdown before it is killed. */
const shutdownMs = 3_000;

export interface ShimRequest {
  /** The task that needs it. */
  readonly id: string;
  readonly sandboxId: string;
  readonly handler: RuntimeHandler;
}

export class ShimPool implements Disposable {
  readonly #environment: ShimEnvironment;
  readonly #shims = new Map<string, Shim>();
  readonly #users = new Map<string, Set<string>>();
  readonly #lock = new KeyedLock();

  constructor(environment: ShimEnvironment) {
    this.#environment = environment;
  }

  /** Takes over what an earlier daemon left: connects to shims that tasks need, removes the others. */
  async recover({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    const { layout, logger } = this.#environment;
    for (const { id, sandboxId } of readTaskRecords(layout)) this.#usersOf(sandboxId).add(id);
    const recover = async (sandboxId: string) => {
      try {
        if (this.#usersOf(sandboxId).size === 0) await this.#end(sandboxId, signal);
        else await this.#attach(sandboxId, signal);
      } catch (error) {
        // Its tasks find out when they are adopted.
        logger.warn({ sandbox: sandboxId, error: messageOf(error) }, "the shim of an earlier run is not there");
      }
    };
    await Promise.all((await readdir(layout.shims)).map((sandboxId) => recover(sandboxId)));
  }

  /** The running shim of a sandbox, started if need be; the task is one of its users until release. */
  async acquire(request: ShimRequest, { signal }: { readonly signal: AbortSignal }): Promise<Shim> {
    const { id, sandboxId, handler } = request;
    using _held = await this.#lock.acquire(sandboxId, { signal });
    this.#usersOf(sandboxId).add(id);
    const shim = this.#shims.get(sandboxId);
    if (shim !== undefined && (await this.#answers(shim, signal))) {
      if (shim.handler.shim === handler.shim) return shim;
      throw failedPrecondition(
        `sandbox ${sandboxId} runs with ${shim.handler.shim}: runtime handler ${handler.name} needs a sandbox of its own`,
      );
    }
    await this.#discard(sandboxId);
    const started = await startShim(this.#environment, request, { signal });
    this.#shims.set(sandboxId, started);
    return started;
  }

  /** The shim that an earlier daemon or this one started; unavailable when it is gone. */
  async find(sandboxId: string, { signal }: { readonly signal: AbortSignal }): Promise<Shim> {
    using _held = await this.#lock.acquire(sandboxId, { signal });
    return this.#shims.get(sandboxId) ?? (await this.#attach(sandboxId, signal));
  }

  /** The task needs its shim no more; the last one's leaving ends it. */
  async release(sandboxId: string, id: string, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    using _held = await this.#lock.acquire(sandboxId, { signal });
    const users = this.#users.get(sandboxId);
    users?.delete(id);
    if (users !== undefined && users.size > 0) return;
    this.#users.delete(sandboxId);
    await this.#end(sandboxId, signal);
  }

  /** Ends a shim that does not answer; its tasks stay to be taken away, and whoever waits on it hears that it is gone. */
  async kill(sandboxId: string, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    using _held = await this.#lock.acquire(sandboxId, { signal });
    const process = readShimRecord(this.#environment.layout, sandboxId)?.process;
    if (process !== undefined) await killProcess(process);
  }

  /** Lets go of all shims, which go on running. */
  [Symbol.dispose](): void {
    for (const shim of this.#shims.values()) shim[Symbol.dispose]();
    this.#shims.clear();
  }

  #usersOf(sandboxId: string): Set<string> {
    let users = this.#users.get(sandboxId);
    if (users === undefined) {
      users = new Set();
      this.#users.set(sandboxId, users);
    }
    return users;
  }

  async #attach(sandboxId: string, signal: AbortSignal): Promise<Shim> {
    const record = readShimRecord(this.#environment.layout, sandboxId);
    if (record === undefined) throw unavailable(`sandbox ${sandboxId} has no shim`);
    const shim = await attachShim(this.#environment, record, { signal });
    this.#shims.set(sandboxId, shim);
    return shim;
  }

  async #answers(shim: Shim, signal: AbortSignal): Promise<boolean> {
    try {
      await shim.connect({ signal });
      return true;
    } catch (error) {
      if (hasCode(error, "unavailable")) return false;
      throw error;
    }
  }

  /** Ends the shim of a sandbox without tasks, kindly if it can be asked. */
  async #end(sandboxId: string, signal: AbortSignal): Promise<void> {
    let graceMs = 0;
    try {
      const shim = this.#shims.get(sandboxId) ?? (await this.#attach(sandboxId, signal));
      graceMs = shutdownMs;
      await shim.shutdown({ signal: AbortSignal.any([signal, AbortSignal.timeout(shutdownMs)]) });
    } catch (error) {
      // It is dead, or ended before it answered: either way the next step makes sure.
      this.#environment.logger.debug({ sandbox: sandboxId, error: messageOf(error) }, "no answer to shutdown");
    }
    await this.#discard(sandboxId, graceMs);
  }

  async #discard(sandboxId: string, graceMs = 0): Promise<void> {
    this.#shims.get(sandboxId)?.[Symbol.dispose]();
    this.#shims.delete(sandboxId);
    await removeShim(this.#environment, sandboxId, { graceMs });
  }
}
