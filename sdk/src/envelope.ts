// SPDX-License-Identifier: Apache-2.0
// The envelopes of a Connect stream: one byte of flags, the length as four bytes big-endian, then the message.

import { BerthError } from "./errors.ts";

/** compressed is never asked for: the socket is local. */
export const envelopeFlags = { compressed: 1, endStream: 2 } as const;

const headerSize = 5;
/** As the daemon has it: room for a chunk of an archive and for long lists. */
const maximumMessageBytes = 64 * 1024 * 1024;

export interface Envelope {
  readonly flags: number;
  readonly data: Uint8Array;
}

export function envelope(data: Uint8Array): Uint8Array {
  const bytes = Buffer.allocUnsafe(headerSize + data.length);
  bytes.writeUInt8(0, 0);
  bytes.writeUInt32BE(data.length, 1);
  bytes.set(data, headerSize);
  return bytes;
}

/** Takes a stream apart, however it is cut into chunks. */
export class Envelopes {
  #pending: Buffer = Buffer.alloc(0);

  /** The envelopes that are complete now. */
  *push(chunk: Uint8Array): Generator<Envelope> {
    this.#pending =
      this.#pending.length === 0
        ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
        : Buffer.concat([this.#pending, chunk]);
    while (this.#pending.length >= headerSize) {
      const size = this.#pending.readUInt32BE(1);
      if (size > maximumMessageBytes) {
        throw new BerthError(
          "resource-exhausted",
          `the daemon sent a message of ${size} bytes, more than ${maximumMessageBytes}`,
        );
      }
      const end = headerSize + size;
      if (this.#pending.length < end) return;
      const found = { flags: this.#pending.readUInt8(0), data: this.#pending.subarray(headerSize, end) };
      this.#pending = this.#pending.subarray(end);
      yield found;
    }
  }
}
