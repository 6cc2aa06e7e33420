// SPDX-License-Identifier: Apache-2.0
// Cuts a zstd stream (RFC 8878, section 3) at the ends of its frames and leaves out skippable ones. Node's decompressor
// stops without an error where a frame ends inside a chunk, and layers of several frames are common (pzstd, zstd:chunked).

import { EngineError } from "../../../../base/errors.ts";

const frameMagic = 0xfd2fb528;
const skippableMagic = 0x184d2a50;

type Phase = "magic" | "skip-size" | "skip" | "descriptor" | "header" | "block-header" | "block" | "checksum";

export class ZstdFrames {
  #phase: Phase = "magic";
  /** Bytes of the current field, collected across chunks, and how many it has. */
  readonly #field = Buffer.alloc(4);
  #fieldLength = 0;
  /** Bytes still to pass in the phases that have no field. */
  #remaining = 0;
  #hasChecksum = false;
  #isLastBlock = false;

  /** The pieces of the chunk to decompress: none crosses the end of a frame. */
  *split(chunk: Buffer): Generator<Buffer> {
    let start = 0; // of what is not yet given out
    for (let at = 0; at < chunk.length; ) {
      const before = this.#phase;
      const fieldSize = fieldSizes[before];
      if (fieldSize === undefined) {
        const length = Math.min(this.#remaining, chunk.length - at);
        at += length;
        this.#remaining -= length;
        if (this.#remaining > 0) continue;
        this.#passed();
      } else {
        this.#field[this.#fieldLength++] = chunk[at++] ?? 0;
        if (this.#fieldLength < fieldSize) continue;
        this.#fieldLength = 0;
        this.#collected();
      }
      if (before === "magic" && this.#phase === "descriptor") yield Buffer.from(this.#field);
      if (before === "magic" || before === "skip-size" || before === "skip") start = at;
      else if (this.#phase === "magic") {
        yield chunk.subarray(start, at);
        start = at;
      }
    }
    const isWithheld = this.#phase === "magic" || this.#phase === "skip-size" || this.#phase === "skip";
    if (start < chunk.length && !isWithheld) yield chunk.subarray(start);
  }

  /** data-loss when the stream ends inside a frame's magic number or a skippable frame. */
  finish(): void {
    if (this.#phase !== "magic" || this.#fieldLength > 0) throw malformed("it ends inside a frame");
  }

  #collected(): void {
    const field = this.#field;
    if (this.#phase === "magic") {
      const magic = field.readUInt32LE();
      if (magic === frameMagic) this.#phase = "descriptor";
      else if ((magic & 0xfffffff0) === skippableMagic) this.#phase = "skip-size";
      else throw malformed("something that is no frame follows");
    } else if (this.#phase === "skip-size") {
      this.#pass("skip", field.readUInt32LE());
    } else if (this.#phase === "descriptor") {
      const descriptor = field[0] ?? 0;
      const isSingleSegment = (descriptor & 0x20) !== 0;
      const contentSizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
      const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
      this.#hasChecksum = (descriptor & 4) !== 0;
      this.#pass("header", (isSingleSegment ? 0 : 1) + dictionaryBytes + contentSizeBytes);
    } else {
      const header = field.readUIntLE(0, 3);
      this.#isLastBlock = (header & 1) !== 0;
      const isRepeatedByte = ((header >> 1) & 3) === 1;
      this.#pass("block", isRepeatedByte ? 1 : header >> 3);
    }
  }

  #pass(phase: Phase, length: number): void {
    this.#phase = phase;
    this.#remaining = length;
    if (length === 0) this.#passed();
  }

  #passed(): void {
    if (this.#phase === "header") this.#phase = "block-header";
    else if (this.#phase !== "block") this.#phase = "magic";
    else if (!this.#isLastBlock) this.#phase = "block-header";
    else if (this.#hasChecksum) this.#pass("checksum", 4);
    else this.#phase = "magic";
  }
}

/** How many bytes the phases that read a field collect. */
const fieldSizes: Readonly<Partial<Record<Phase, number>>> = {
  magic: 4,
  "skip-size": 4,
  descriptor: 1,
  "block-header": 3,
};

function malformed(message: string): EngineError {
  return new EngineError("data-loss", `malformed zstd stream: ${message}`);
}
