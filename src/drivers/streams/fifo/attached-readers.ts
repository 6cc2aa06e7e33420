// SPDX-License-Identifier: Apache-2.0
// Those who are attached to a process: each has a bounded queue, and a full one asks the owner to stop reading.

import type { OutputChunk, OutputStream } from "../../../core/streams/process-streams.ts";

/** Bytes that a reader may be behind before reading stops. */
const highWaterMark = 1024 * 1024;
/** Reading goes on when every reader is below it. */
const lowWaterMark = highWaterMark / 2;
/** What a chunk costs besides its bytes, so that a flood of tiny ones is bounded as well. */
const chunkOverhead = 128;

interface Reader {
  readonly queue: OutputChunk[];
  size: number;
  ended: boolean;
  wake: (() => void) | undefined;
}

export class AttachedReaders {
  readonly #readers = new Set<Reader>();
  readonly #onDrained: () => void;
  #full = false;
  #closed = false;

  /** onDrained: called when push has answered false before and every reader has room again. */
  constructor(onDrained: () => void) {
    this.#onDrained = onDrained;
  }

  /** Copies the data once for all readers; false when one of them is full. */
  push(stream: OutputStream, data: Uint8Array): boolean {
    if (this.#readers.size === 0) return true;
    const chunk: OutputChunk = { stream, data: Buffer.from(data) };
    for (const reader of this.#readers) {
      reader.queue.push(chunk);
      reader.size += data.length + chunkOverhead;
      if (reader.size >= highWaterMark) this.#full = true;
      reader.wake?.();
    }
    return !this.#full;
  }

  /** Ends every reader after what is in its queue. */
  close(): void {
    this.#closed = true;
    for (const reader of this.#readers) {
      reader.ended = true;
      reader.wake?.();
    }
  }

  /** Registers at once; the iterator ends with the output, on return, and when the signal aborts. */
  attach({ signal }: { readonly signal: AbortSignal }): AsyncIterableIterator<OutputChunk> {
    const reader: Reader = { queue: [], size: 0, ended: this.#closed, wake: undefined };
    const leave = () => {
      signal.removeEventListener("abort", leave);
      reader.ended = true;
      reader.queue.length = 0;
      reader.size = 0;
      this.#readers.delete(reader);
      reader.wake?.();
      this.#release();
    };
    if (signal.aborted) reader.ended = true;
    if (!reader.ended) {
      this.#readers.add(reader);
      signal.addEventListener("abort", leave, { once: true });
    }
    const iterator: AsyncIterableIterator<OutputChunk> = {
      [Symbol.asyncIterator]: () => iterator,
      next: async () => {
        for (;;) {
          const chunk = reader.queue.shift();
          if (chunk !== undefined) {
            reader.size -= chunk.data.length + chunkOverhead;
            this.#release();
            return { done: false, value: chunk };
          }
          if (reader.ended) {
            leave();
            return { done: true, value: undefined };
          }
          await new Promise<void>((resolve) => {
            reader.wake = resolve;
          });
          reader.wake = undefined;
        }
      },
      return: () => {
        leave();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
    return iterator;
  }

  #release(): void {
    if (!this.#full) return;
    for (const reader of this.#readers) if (reader.size > lowWaterMark) return;
    this.#full = false;
    this.#onDrained();
  }
}
