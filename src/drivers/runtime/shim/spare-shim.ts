// SPDX-License-Identifier: Apache-2.0
// A shim started ahead of the next sandbox, whichever that will be: starting one takes longer than all else that a
// container needs before its runtime is called. It is prepared when a container has been made, handed to the first sandbox
// that asks, and ended when nobody has asked for a minute: an idle daemon keeps none.

import { renameSync } from "node:fs";
import { messageOf } from "../../../base/errors.ts";
import { newId } from "../../../base/ids.ts";
import { cleanup, type TaskGroup } from "../../../base/lifetime.ts";
import type { RuntimeHandler } from "../../../core/tasks/task-runtime.ts";
import { writeRecord } from "./bundle.ts";
import { removeShim } from "./remove-shim.ts";
import { type Shim, type ShimEnvironment, startShim } from "./shim.ts";

const idleMs = 60_000;
const shutdownMs = 3_000;

interface Spare {
  readonly id: string;
  readonly handler: RuntimeHandler;
  readonly shim: Promise<Shim>;
  readonly expiry: NodeJS.Timeout;
}

/** Owned by the pool; disposing ends the spare. */
export class SpareShim implements AsyncDisposable {
  readonly #environment: ShimEnvironment;
  readonly #group: TaskGroup;
  #spare: Spare | undefined;

  constructor(environment: ShimEnvironment, group: TaskGroup) {
    this.#environment = environment;
    this.#group = group;
  }

  /** Starts one in the background, unless there is one. */
  prepare(handler: RuntimeHandler): void {
    if (this.#spare !== undefined || this.#group.signal.aborted) return;
    const id = newId();
    const shim = startShim(this.#environment, { sandboxId: id, handler }, { signal: this.#group.signal });
    const expiry = setTimeout(() => this.#group.run("end the spare shim", async () => await this.#end(id)), idleMs);
    expiry.unref();
    this.#spare = { id, handler, shim, expiry };
    // One that cannot start shows where a shim is needed.
    shim.catch(() => this.#forget(id));
  }

  /** The spare as the shim of this sandbox; undefined when there is none that fits. */
  async take(
    { sandboxId, handler }: { readonly sandboxId: string; readonly handler: RuntimeHandler },
    { signal }: { readonly signal: AbortSignal },
  ): Promise<Shim | undefined> {
    const spare = this.#spare;
    if (spare === undefined || spare.handler.shim !== handler.shim) return undefined;
    this.#forget(spare.id);
    try {
      const shim = await spare.shim;
      await shim.connect({ signal });
      const { layout } = this.#environment;
      // The shim works in its directory and is found by it: both follow the name.
      renameSync(layout.shim(spare.id), layout.shim(sandboxId));
      const adopted = shim.handOver({ sandboxId, handler });
      writeRecord(layout.shim(sandboxId), "shim.json", adopted.record);
      return adopted;
    } catch (error) {
      this.#environment.logger.debug({ error: messageOf(error) }, "the spare shim cannot be used");
      await removeShim(this.#environment, spare.id);
      return undefined;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#spare !== undefined) await this.#end(this.#spare.id);
  }

  #forget(id: string): void {
    if (this.#spare?.id !== id) return;
    clearTimeout(this.#spare.expiry);
    this.#spare = undefined;
  }

  async #end(id: string): Promise<void> {
    const spare = this.#spare;
    if (spare?.id !== id) return;
    this.#forget(id);
    await cleanup(async (signal) => {
      try {
        const shim = await spare.shim;
        await shim.shutdown({ signal: AbortSignal.any([signal, AbortSignal.timeout(shutdownMs)]) });
        shim[Symbol.dispose]();
      } catch (error) {
        // It never started, or ended by itself: what is left of it goes below.
        this.#environment.logger.debug({ error: messageOf(error) }, "no answer to the spare shim's shutdown");
      }
      await removeShim(this.#environment, id, { graceMs: shutdownMs });
    });
  }
}
