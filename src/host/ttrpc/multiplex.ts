// SPDX-License-Identifier: Apache-2.0
// Several connections over one socket, as NRI does it: each write goes out as frames of connection id u32 and length u32
// (big endian) before the bytes. Opening a connection tells the other side nothing: both know the ids. What arrives for
// an id that is not open is dropped. The connections end with the socket, and the socket when one of them is destroyed.

import { Duplex } from "node:stream";
import { EngineError } from "../../base/errors.ts";
import { maximumBody, headerSize as ttrpcHeaderSize } from "./frame.ts";

const headerSize = 8;

/** The longest frame: one whole message. */
const maximumFrame = ttrpcHeaderSize + maximumBody;

/**
 * What goes into the first frame of a write. The Go implementation hands each frame to a reader that asks for so many
 * bytes while it looks for a header, and for all that is missing of a message afterwards; a longer frame breaks it.
 */
const firstFrame = 4096;

/** Whoever makes it ends it, by destroying the socket or a connection. */
export class Multiplexer {
  readonly #trunk: Duplex;
  readonly #connections = new Map<number, Channel>();
  readonly #decoder = new MultiplexDecoder();

  /** Nothing is read before start. */
  constructor(trunk: Duplex) {
    this.#trunk = trunk;
  }

  /** The connection of this id; once each. */
  open(id: number): Duplex {
    const channel = new Channel(this.#trunk, id);
    this.#connections.set(id, channel);
    return channel;
  }

  /** Begins to read; all connections that matter are open. */
  start(): void {
    let failure: Error | null = null;
    this.#trunk.on("data", (bytes: Uint8Array) => {
      try {
        for (const { id, body } of this.#decoder.push(bytes)) this.#connections.get(id)?.push(body);
      } catch (error) {
        this.#trunk.destroy(error as Error);
      }
    });
    this.#trunk.on("error", (error) => {
      failure = error;
    });
    this.#trunk.on("close", () => {
      for (const channel of this.#connections.values()) channel.destroy(failure ?? undefined);
    });
    // A peer that only reads is none.
    this.#trunk.on("end", () => this.#trunk.destroy());
  }
}

/** One connection. There is no flow control: what is not read waits in memory. */
class Channel extends Duplex {
  readonly #trunk: Duplex;
  readonly #id: number;

  constructor(trunk: Duplex, id: number) {
    super({ decodeStrings: true });
    this.#trunk = trunk;
    this.#id = id;
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    if (!this.#trunk.writable) {
      callback(new EngineError("unavailable", "the multiplexed socket has ended"));
      return;
    }
    this.#trunk.write(encodeFrames(this.#id, chunk), callback);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#trunk.destroy();
    callback(error);
  }
}

/** The frames of one write. */
export function encodeFrames(id: number, bytes: Uint8Array): Uint8Array {
  const cuts = [0, Math.min(bytes.length, firstFrame)];
  while ((cuts.at(-1) ?? 0) < bytes.length) cuts.push(Math.min((cuts.at(-1) ?? 0) + maximumFrame, bytes.length));
  const parts: Uint8Array[] = [];
  for (let index = 1; index < cuts.length; index++) {
    const part = bytes.subarray(cuts[index - 1], cuts[index]);
    const header = Buffer.alloc(headerSize);
    header.writeUInt32BE(id, 0);
    header.writeUInt32BE(part.length, 4);
    parts.push(header, part);
  }
  return Buffer.concat(parts);
}

/** Makes frames of bytes that arrive in any pieces; holds less than a header, for bodies are passed on as they come. */
export class MultiplexDecoder {
  #header: Buffer = Buffer.alloc(0);
  #id = 0;
  #missing = 0;

  /** Pieces of bodies, in order; resource-exhausted for a frame that is too long. */
  *push(bytes: Uint8Array): Generator<{ readonly id: number; readonly body: Uint8Array }> {
    let rest = bytes;
    while (rest.length > 0) {
      if (this.#missing > 0) {
        const body = rest.subarray(0, this.#missing);
        rest = rest.subarray(body.length);
        this.#missing -= body.length;
        yield { id: this.#id, body };
        continue;
      }
      const wanted = headerSize - this.#header.length;
      this.#header = Buffer.concat([this.#header, rest.subarray(0, wanted)]);
      rest = rest.subarray(wanted);
      if (this.#header.length < headerSize) return;
      this.#id = this.#header.readUInt32BE(0);
      this.#missing = this.#header.readUInt32BE(4);
      this.#header = Buffer.alloc(0);
      if (this.#missing > maximumFrame) {
        throw new EngineError("resource-exhausted", `a multiplexed frame has ${this.#missing} bytes`);
      }
    }
  }
}
