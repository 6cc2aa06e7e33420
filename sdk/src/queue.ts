// SPDX-License-Identifier: Apache-2.0

/** A queue that one side pushes to and the other iterates: the requests of a stream. */
export class Queue<T> implements AsyncIterable<T> {
  readonly #values: T[] = [];
  #wake: (() => void) | undefined;
  readonly #drained: (() => void)[] = [];
  #ended = false;

  /** Resolves when the reader has taken it, so that a fast writer waits for a slow connection. */
  async push(value: T): Promise<void> {
    if (this.#ended) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#values.push(value);
    this.#drained.push(resolve);
    this.#wake?.();
    await promise;
  }

  /** Idempotent; what is in the queue is still read. */
  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    try {
      for (;;) {
        if (this.#values.length > 0) {
          const value = this.#values.shift() as T;
          this.#drained.shift()?.();
          yield value;
        } else if (this.#ended) {
          return;
        } else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
          this.#wake = undefined;
        }
      }
    } finally {
      this.#ended = true;
      for (const resolve of this.#drained.splice(0)) resolve();
    }
  }
}
