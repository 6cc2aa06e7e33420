// SPDX-License-Identifier: Apache-2.0
// What a peer has sent and nobody has read: pushed from one side, iterated once on the other. The pusher learns when
// bytes leave, so that it can stop reading from the peer while there are too many.

/** Ends for its reader by end, or with fail's error after what was pushed before. */
export class ByteQueue implements AsyncIterableIterator<Uint8Array> {
  readonly #onTaken: (bytes: number) => void;
  #chunks: Uint8Array[] = [];
  #ended = false;
  #abandoned = false;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  /** onTaken: so many bytes were read, or dropped because nobody reads any more. */
  constructor(onTaken: (bytes: number) => void) {
    this.#onTaken = onTaken;
  }

  /** Bytes after the end are dropped. */
  push(chunk: Uint8Array): void {
    if (this.#abandoned || this.#ended) {
      this.#onTaken(chunk.length);
      return;
    }
    this.#chunks.push(chunk);
    this.#wake?.();
  }

  /** No more comes; the second end is ignored. */
  end(failure?: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#failure = failure;
    this.#wake?.();
  }

  /** Nobody reads any more: what there is and what comes is dropped. */
  abandon(): void {
    if (this.#abandoned) return;
    this.#abandoned = true;
    const left = this.#chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    this.#chunks = [];
    this.#wake?.();
    if (left > 0) this.#onTaken(left);
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        this.#onTaken(chunk.length);
        return { done: false, value: chunk };
      }
      if (this.#abandoned) return { done: true, value: undefined };
      if (this.#ended) {
        const failure = this.#failure;
        this.#failure = undefined;
        if (failure !== undefined) throw failure;
        return { done: true, value: undefined };
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.abandon();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
