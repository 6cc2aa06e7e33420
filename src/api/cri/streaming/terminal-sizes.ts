// SPDX-License-Identifier: Apache-2.0
// Sizes of a terminal as clients send them: JSON objects with Width and Height, one after the other. Who reads slowly
// gets the latest one.

import type { TerminalSize } from "./streaming-runtime.ts";

/** More text without an object in it is none of a client's. */
const longestText = 4096;

/** Fed by a connection, read by a process. */
export class TerminalSizes implements AsyncIterableIterator<TerminalSize> {
  #text = "";
  #latest: TerminalSize | undefined;
  #ended = false;
  #wake: (() => void) | undefined;

  /** Takes in what came; what is no size is dropped. */
  push(bytes: Uint8Array): void {
    this.#text += Buffer.from(bytes).toString("latin1");
    for (let end = this.#text.indexOf("}"); end >= 0; end = this.#text.indexOf("}")) {
      this.#latest = parseSize(this.#text.slice(0, end + 1)) ?? this.#latest;
      this.#text = this.#text.slice(end + 1);
    }
    if (this.#text.length > longestText) this.#text = "";
    this.#wake?.();
  }

  /** Reads until the stream ends, however it does. */
  async follow(stream: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      for await (const bytes of stream) this.push(bytes);
    } catch {
      // The connection has ended, and says so itself.
    }
    this.end();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async next(): Promise<IteratorResult<TerminalSize, undefined>> {
    while (this.#latest === undefined) {
      if (this.#ended) return { done: true, value: undefined };
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const value = this.#latest;
    this.#latest = undefined;
    return { done: false, value };
  }

  return(): Promise<IteratorResult<TerminalSize, undefined>> {
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

function parseSize(text: string): TerminalSize | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const fields = new Map(Object.entries(value).map(([name, field]) => [name.toLowerCase(), field as unknown]));
  const [width, height] = [fields.get("width"), fields.get("height")];
  return isLength(width) && isLength(height) ? { width, height } : undefined;
}

function isLength(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < 65_536;
}
