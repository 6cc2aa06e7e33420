// SPDX-License-Identifier: Apache-2.0
// The envelopes of a Connect stream: one byte of flags, the length as four bytes big-endian, then the message.

import { BerthError } from "./errors.ts";

/** compressed is never asked for: the socket is local. */
export const envelopeFlags = { compressed: 1, endStream: 2 } as const;

const headerSize = 5;
/** As the daemon has it: room for a chunk of an archive and for long lists. */
const maximumMessageBytes = 64 * 1024 * 1024;

/** One message of a stream. */
export interface Envelope {
  readonly flags: number;
  readonly data: Uint8Array;
}

/** The message as it is sent. */
export function envelope(data: Uint8Array): Uint8Array {
  const bytes = Buffer.allocUnsafe(headerSize + data.length);
  bytes.writeUInt8(0, 0);
  bytes.writeUInt32BE(data.length, 1);
  bytes.set(data, headerSize);
  return bytes;
}

/** Takes a stream apart, however it is cut into chunks. A message is copied once at most. */
export class Envelopes {
  #parts: Uint8Array[] = [];
  #available = 0;
  /** How many bytes must be there before there is something to do. */
  #needed = headerSize;

  /** The envelopes that are complete now. */
  *push(chunk: Uint8Array): Generator<Envelope> {
    this.#parts.push(chunk);
    this.#available += chunk.length;
    while (this.#available >= this.#needed) {
      const bytes = this.#join();
      this.#needed = headerSize + sizeIn(bytes);
      if (bytes.length < this.#needed) return;
      const data = bytes.subarray(headerSize, this.#needed);
      this.#parts = [bytes.subarray(this.#needed)];
      this.#available -= this.#needed;
      this.#needed = headerSize;
      yield { flags: bytes.readUInt8(0), data };
    }
  }

  #join(): Buffer {
    const [only] = this.#parts;
    const bytes =
      this.#parts.length === 1 && only !== undefined
        ? Buffer.from(only.buffer, only.byteOffset, only.length)
        : Buffer.concat(this.#parts);
    this.#parts = [bytes];
    return bytes;
  }
}

function sizeIn(bytes: Buffer): number {
  const size = bytes.readUInt32BE(1);
  if (size <= maximumMessageBytes) return size;
  throw new BerthError(
    "resource-exhausted",
    `the daemon sent a message of ${size} bytes, more than ${maximumMessageBytes}`,
  );
}
