// SPDX-License-Identifier: Apache-2.0
// Header blocks: a count u32, then names and values, each with its length u32 (big endian), through one zlib stream a
// direction for the whole connection. Every block must therefore be read, in order, also of streams that nobody wants.

import { constants, createDeflate, createInflate, type Deflate, type Inflate } from "node:zlib";
import { invalidArgument, messageOf } from "../../base/errors.ts";
import { headerDictionary } from "./dictionary.ts";

/** Lower-case names; the first value where one has several. */
export type Headers = ReadonlyMap<string, string>;

/** The longest header block after decompression, in bytes. */
export const maximumHeaderBlock = 64 * 1024;

const zlibOptions = { dictionary: headerDictionary, flush: constants.Z_SYNC_FLUSH };

/** One direction of a connection; calls must not overlap. Whoever makes it disposes it. */
class Codec implements Disposable {
  readonly #zlib: Deflate | Inflate;
  readonly #limit: number;
  #pieces: Buffer[] = [];
  #size = 0;
  #fail: (error: Error) => void = () => {};

  constructor(zlib: Deflate | Inflate, limit: number) {
    this.#zlib = zlib;
    this.#limit = limit;
    zlib.on("data", (piece: Buffer) => {
      this.#pieces.push(piece);
      this.#size += piece.length;
      // Destroying ends the write as if it had succeeded.
      if (this.#size > this.#limit) zlib.destroy();
    });
    zlib.on("error", (error) => this.#fail(error));
  }

  /** What zlib makes of the bytes, up to their end. */
  protected async convert(bytes: Uint8Array): Promise<Buffer> {
    this.#pieces = [];
    this.#size = 0;
    await new Promise<void>((resolve, reject) => {
      this.#fail = reject;
      this.#zlib.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
    if (this.#size > this.#limit) throw invalidArgument(`it has more than ${this.#limit} bytes`);
    return Buffer.concat(this.#pieces);
  }

  [Symbol.dispose](): void {
    this.#zlib.destroy();
  }
}

/** Reads the header blocks of the peer; after an error it is of no more use. */
export class HeaderInflater extends Codec {
  constructor() {
    super(createInflate(zlibOptions), maximumHeaderBlock);
  }

  /** invalid-argument for a block that is broken or too long. */
  async read(block: Uint8Array): Promise<Headers> {
    let bytes: Buffer;
    try {
      bytes = await this.convert(block);
    } catch (error) {
      throw invalidArgument(`SPDY header block: ${messageOf(error)}`, error);
    }
    return parseHeaders(bytes);
  }
}

/** Makes the header blocks for the peer. */
export class HeaderDeflater extends Codec {
  constructor() {
    super(createDeflate(zlibOptions), Number.POSITIVE_INFINITY);
  }

  async write(headers: Headers): Promise<Uint8Array> {
    const parts = [...headers].flat().flatMap((text) => [length(Buffer.byteLength(text)), Buffer.from(text)]);
    return await this.convert(Buffer.concat([length(headers.size), ...parts]));
  }
}

function length(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function parseHeaders(bytes: Buffer): Headers {
  let offset = 0;
  const word = () => {
    if (bytes.length < offset + 4) throw invalidArgument("SPDY header block ends early");
    offset += 4;
    return bytes.readUInt32BE(offset - 4);
  };
  const text = () => {
    const size = word();
    if (bytes.length < offset + size) throw invalidArgument("SPDY header block ends early");
    offset += size;
    return bytes.toString("utf8", offset - size, offset);
  };
  const headers = new Map<string, string>();
  for (let left = word(); left > 0; left--) {
    const name = text();
    const value = text().split("\0")[0] ?? "";
    if (name === "" || name !== name.toLowerCase() || headers.has(name))
      throw invalidArgument(`SPDY header name ${JSON.stringify(name)}`);
    headers.set(name, value);
  }
  if (offset !== bytes.length) throw invalidArgument("SPDY header block is longer than its headers");
  return headers;
}
