// SPDX-License-Identifier: Apache-2.0

import { setImmediate } from "node:timers/promises";

const sliceMs = 5;

/** Lets the event loop go round now and then while something long is done by many short synchronous calls. */
export class TimeSlice {
  #lastRest = performance.now();

  /** Resolves at once, or after the event loop has gone round; rejects when the signal is aborted. */
  async rest({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    const now = performance.now();
    if (now - this.#lastRest < sliceMs) return;
    await setImmediate();
    signal.throwIfAborted();
    this.#lastRest = performance.now();
  }
}
