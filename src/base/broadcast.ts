// SPDX-License-Identifier: Apache-2.0
// One writer, many readers: each reader has a queue of its own and misses nothing that came after it subscribed. A
// reader that falls too far behind is ended with resource-exhausted instead of growing the process without bound.

import { EngineError } from "./errors.ts";

interface Subscriber<T> {
  readonly queue: T[];
  wake: (() => void) | undefined;
  failure: Error | undefined;
  done: boolean;
}

export class Broadcast<T> {
  readonly #subscribers = new Set<Subscriber<T>>();
  readonly #limit: number;
  #closed = false;

  /** limit: how many unread values a reader may have. */
  constructor(limit = 65_536) {
    this.#limit = limit;
  }

  get subscriberCount(): number {
    return this.#subscribers.size;
  }

  publish(value: T): void {
    for (const subscriber of this.#subscribers) {
      if (subscriber.queue.length >= this.#limit) {
        subscriber.failure = new EngineError("resource-exhausted", `a reader is ${this.#limit} values behind`);
      } else {
        subscriber.queue.push(value);
      }
      subscriber.wake?.();
    }
  }

  /** Ends every reader after what it still has in its queue. */
  close(): void {
    this.#closed = true;
    for (const subscriber of this.#subscribers) {
      subscriber.done = true;
      subscriber.wake?.();
    }
  }

  /** Registers at once, before the first value is asked for; ends when the signal aborts (without an error) or on close. */
  subscribe({ signal }: { readonly signal: AbortSignal }): AsyncIterableIterator<T> {
    const subscriber: Subscriber<T> = {
      queue: [],
      wake: undefined,
      failure: undefined,
      done: this.#closed || signal.aborted,
    };
    this.#subscribers.add(subscriber);
    const onAbort = () => {
      subscriber.done = true;
      subscriber.queue.length = 0;
      subscriber.wake?.();
    };
    signal.addEventListener("abort", onAbort, { once: true });
    const end = () => {
      signal.removeEventListener("abort", onAbort);
      this.#subscribers.delete(subscriber);
    };
    if (subscriber.done) end();
    const iterator: AsyncIterableIterator<T> = {
      [Symbol.asyncIterator]: () => iterator,
      next: async () => {
        for (;;) {
          const value = subscriber.queue.shift();
          if (value !== undefined) return { done: false, value };
          if (subscriber.failure !== undefined || subscriber.done) {
            end();
            if (subscriber.failure !== undefined) throw subscriber.failure;
            return { done: true, value: undefined };
          }
          await new Promise<void>((resolve) => {
            subscriber.wake = resolve;
          });
          subscriber.wake = undefined;
        }
      },
      return: () => {
        subscriber.done = true;
        end();
        subscriber.wake?.();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
    return iterator;
  }
}
