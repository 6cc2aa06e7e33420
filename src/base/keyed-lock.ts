// SPDX-License-Identifier: Apache-2.0
// A mutual exclusion lock for each key, first come first served. Keys cost nothing while nobody holds them.

import { cancelled } from "./errors.ts";

interface Waiter {
  readonly wake: () => void;
}

/** One holder a key at a time; a waiter whose signal aborts leaves the queue with the signal's reason. */
export class KeyedLock {
  readonly #queues = new Map<string, Waiter[]>();

  /** Resolves when the key is ours; dispose the result to let the next one in. */
  async acquire(key: string, { signal }: { readonly signal?: AbortSignal } = {}): Promise<Disposable> {
    signal?.throwIfAborted();
    const queue = this.#queues.get(key);
    if (queue === undefined) {
      this.#queues.set(key, []);
      return this.#held(key);
    }
    await new Promise<void>((resolve, reject) => {
      const waiter: Waiter = {
        wake: () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        },
      };
      const onAbort = () => {
        const index = queue.indexOf(waiter);
        if (index < 0) return;
        queue.splice(index, 1);
        reject(signal?.reason instanceof Error ? signal.reason : cancelled());
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      queue.push(waiter);
    });
    return this.#held(key);
  }

  /** Runs the function while holding the key. */
  async run<T>(key: string, work: () => Promise<T>, options: { readonly signal?: AbortSignal } = {}): Promise<T> {
    using _held = await this.acquire(key, options);
    return await work();
  }

  #held(key: string): Disposable {
    let released = false;
    return {
      [Symbol.dispose]: () => {
        if (released) return;
        released = true;
        const queue = this.#queues.get(key);
        const next = queue?.shift();
        if (next === undefined) this.#queues.delete(key);
        else next.wake();
      },
    };
  }
}
