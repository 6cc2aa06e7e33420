// SPDX-License-Identifier: Apache-2.0
// One writer, many readers: each reader has a queue of its own and misses nothing that came after it subscribed. A
// reader that falls too far behind is ended with resource-exhausted instead of growing the process without bound.

import { EngineError } from "./errors.ts";

interface Subscriber<T> {
  readonly queue: T[];
  /** Calls of next that wait for a value. */
  readonly waiting: (() => void)[];
  failure: Error | undefined;
  ended: boolean;
}

/** A reader. return drops what it has not read. */
export interface Subscription<T> extends AsyncIterableIterator<T> {
  /** Takes no more values: it ends after what is in its queue. */
  finish(): void;
}

/** Values for whoever subscribed before they were published. */
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

  /** Gives the value to every reader; one that is full loses this and all that follow, and is told at its queue's end. */
  publish(value: T): void {
    for (const subscriber of this.#subscribers) {
      if (subscriber.queue.length < this.#limit) {
        subscriber.queue.push(value);
        wake(subscriber);
      } else {
        subscriber.failure = new EngineError("resource-exhausted", `a reader is ${this.#limit} values behind`);
        this.#end(subscriber);
      }
    }
  }

  /** Ends every reader after what it still has in its queue. */
  close(): void {
    this.#closed = true;
    for (const subscriber of this.#subscribers) this.#end(subscriber);
  }

  /** Registers at once, before the first value is asked for; ends when the signal aborts (without an error) or on close. */
  subscribe({ signal }: { readonly signal: AbortSignal }): Subscription<T> {
    const subscriber: Subscriber<T> = { queue: [], waiting: [], failure: undefined, ended: false };
    const stop = () => {
      signal.removeEventListener("abort", stop);
      subscriber.queue.length = 0;
      subscriber.failure = undefined;
      this.#end(subscriber);
    };
    if (this.#closed || signal.aborted) {
      subscriber.ended = true;
    } else {
      this.#subscribers.add(subscriber);
      signal.addEventListener("abort", stop, { once: true });
    }
    const iterator: Subscription<T> = {
      [Symbol.asyncIterator]: () => iterator,
      next: async () => {
        while (subscriber.queue.length === 0) {
          if (subscriber.ended) {
            const { failure } = subscriber;
            stop();
            if (failure !== undefined) throw failure;
            return { done: true, value: undefined };
          }
          await new Promise<void>((resolve) => subscriber.waiting.push(resolve));
        }
        return { done: false, value: subscriber.queue.shift() as T };
      },
      return: () => {
        stop();
        return Promise.resolve({ done: true, value: undefined });
      },
      finish: () => this.#end(subscriber),
    };
    return iterator;
  }

  /** Nothing more comes for this reader. */
  #end(subscriber: Subscriber<T>): void {
    subscriber.ended = true;
    this.#subscribers.delete(subscriber);
    wake(subscriber);
  }
}

/** Every waiting call looks again at what there is. */
function wake({ waiting }: Subscriber<unknown>): void {
  for (const resolve of waiting.splice(0)) resolve();
}
