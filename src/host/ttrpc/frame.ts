// SPDX-License-Identifier: Apache-2.0
// Frames of ttrpc: a header of ten bytes (length u32, stream id u32, type u8, flags u8; big endian), then the body.
// A stream's id is odd when the client opened it, which is always so today. A body longer than the limit is skipped and
// reported as such, so that one bad message fails its stream and not the connection.

/** The longest body of a frame, in bytes: what containerd and its shims accept. */
export const maximumBody = 4 * 1024 * 1024;

/** Bytes. */
export const headerSize = 10;

/** What a frame carries. */
export const frameType = { request: 1, response: 2, data: 3 } as const;

/** How its stream goes on after it. */
export const frameFlag = {
  /** The sender sends nothing more on this stream. */
  remoteClosed: 1,
  /** The sender goes on sending on this stream. */
  remoteOpen: 2,
  /** The frame has no message, in contrast to an empty one. */
  noData: 4,
} as const;

/** One frame, header taken apart. */
export interface Frame {
  readonly streamId: number;
  readonly type: number;
  readonly flags: number;
  /** Undefined when the body was over the limit and has been skipped. */
  readonly body: Uint8Array | undefined;
}

/** The bytes of one frame. */
export function encodeFrame(frame: Omit<Frame, "body"> & { readonly body: Uint8Array }): Uint8Array {
  const bytes = Buffer.allocUnsafe(headerSize + frame.body.length);
  bytes.writeUInt32BE(frame.body.length, 0);
  bytes.writeUInt32BE(frame.streamId, 4);
  bytes.writeUInt8(frame.type, 8);
  bytes.writeUInt8(frame.flags, 9);
  bytes.set(frame.body, headerSize);
  return bytes;
}

/** Makes frames of bytes that arrive in any pieces; holds no more than one frame. */
export class FrameDecoder {
  readonly #limit: number;
  #chunks: Buffer[] = [];
  #available = 0;
  #header: (Omit<Frame, "body"> & { readonly length: number }) | undefined;
  #toSkip = 0;

  constructor(limit = maximumBody) {
    this.#limit = limit;
  }

  /** The frames that these bytes complete, in order. */
  *push(bytes: Uint8Array): Generator<Frame> {
    this.#add(bytes);
    for (;;) {
      if (this.#toSkip > 0 && !this.#skip()) return;
      if (this.#header === undefined) {
        if (this.#available < headerSize) return;
        const header = this.#take(headerSize);
        this.#header = {
          length: header.readUInt32BE(0),
          streamId: header.readUInt32BE(4),
          type: header.readUInt8(8),
          flags: header.readUInt8(9),
        };
      }
      const { length, ...frame } = this.#header;
      if (length > this.#limit) {
        this.#header = undefined;
        this.#toSkip = length;
        yield { ...frame, body: undefined };
        continue;
      }
      if (this.#available < length) return;
      this.#header = undefined;
      yield { ...frame, body: this.#take(length) };
    }
  }

  #add(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#chunks.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
    this.#available += bytes.length;
  }

  /** Drops what is there of an oversize body; true when all of it is gone. */
  #skip(): boolean {
    const count = Math.min(this.#toSkip, this.#available);
    this.#take(count);
    this.#toSkip -= count;
    return this.#toSkip === 0;
  }

  #take(count: number): Buffer {
    this.#available -= count;
    const taken: Buffer[] = [];
    let missing = count;
    while (missing > 0) {
      const [chunk] = this.#chunks;
      if (chunk === undefined) break;
      if (chunk.length <= missing) {
        taken.push(chunk);
        this.#chunks.shift();
        missing -= chunk.length;
      } else {
        taken.push(chunk.subarray(0, missing));
        this.#chunks[0] = chunk.subarray(missing);
        missing = 0;
      }
    }
    const [only] = taken;
    return taken.length === 1 && only !== undefined ? only : Buffer.concat(taken);
  }
}
