// SPDX-License-Identifier: Apache-2.0
// A limit on how many of something happen at once, first come first served.

import { cancelled } from "../../base/errors.ts";

/** So many may do something at once; the others wait in line. */
export class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  /** Whether the next one would have to wait. */
  get isFull(): boolean {
    return this.#free === 0;
  }

  /** Resolves when there is one; dispose the result to pass it on. */
  async acquire({ signal }: { readonly signal: AbortSignal }): Promise<Disposable> {
    signal.throwIfAborted();
    if (this.#free > 0) {
      this.#free--;
      return this.#held();
    }
    await new Promise<void>((resolve, reject) => {
      const wake = () => {
        signal.removeEventListener("abort", onAbort);
        resolve();
      };
      const onAbort = () => {
        this.#waiting.splice(this.#waiting.indexOf(wake), 1);
        reject(signal.reason instanceof Error ? signal.reason : cancelled());
      };
      signal.addEventListener("abort", onAbort, { once: true });
      this.#waiting.push(wake);
    });
    return this.#held();
  }

  #held(): Disposable {
    let isReleased = false;
    return {
      [Symbol.dispose]: () => {
        if (isReleased) return;
        isReleased = true;
        const next = this.#waiting.shift();
        if (next === undefined) this.#free++;
        else next();
      },
    };
  }
}
