// SPDX-License-Identifier: Apache-2.0
// Turns output as it comes, in chunks of any size, into CRI records. Lines of each stream are kept apart; one that has
// not ended yet waits here until it does, is too long, or the output ends.

import type { OutputStream } from "../../../core/streams/process-streams.ts";
import { LogClock, timestampLength } from "./log-clock.ts";

/** Bytes of a line in one record; what is longer is split (containerd's max_container_log_line_size). */
export const maximumLineLength = 16_384;

const newline = 0x0a;
const carriageReturn = 0x0d;

/** " stdout F ": between the timestamp and the content. */
const middles = {
  stdout: { full: Buffer.from(" stdout F "), partial: Buffer.from(" stdout P ") },
  stderr: { full: Buffer.from(" stderr F "), partial: Buffer.from(" stderr P ") },
};

const headerLength = timestampLength + 10;
/** Room that a single record may need. */
const maximumRecordLength = headerLength + maximumLineLength + 1;

const scratchLength = 256 * 1024;
/** Shared by all encoders of this thread: it is written out before the call that filled it returns. */
const scratch = Buffer.allocUnsafeSlow(scratchLength);

/** The beginning of a line: up to the maximum, and one more byte when that is a carriage return. */
class HeldLine {
  readonly middle: { readonly full: Buffer; readonly partial: Buffer };
  bytes: Buffer | undefined;
  length = 0;

  constructor(stream: OutputStream) {
    this.middle = middles[stream];
  }

  append(data: Uint8Array): void {
    const needed = this.length + data.length;
    if (this.bytes === undefined || this.bytes.length < needed) {
      const grown = Buffer.allocUnsafeSlow(Math.min(Math.max(256, needed * 2), maximumLineLength + 1));
      this.bytes?.copy(grown, 0, 0, this.length);
      this.bytes = grown;
    }
    this.bytes.set(data, this.length);
    this.length = needed;
  }
}

/** Receives whole records, written before it returns: it must not use an encoder, and the bytes go away after. */
export type RecordOutput = (records: Buffer) => void;

export class RecordEncoder {
  readonly #clock = new LogClock();
  readonly #lines = { stdout: new HeldLine("stdout"), stderr: new HeldLine("stderr") };
  readonly #output: RecordOutput;
  readonly #blockLength: number;
  #length = 0;

  /** blockLength: bytes after which records are handed over within one chunk. */
  constructor(output: RecordOutput, blockLength = scratchLength) {
    this.#output = output;
    this.#blockLength = Math.max(maximumRecordLength, Math.min(blockLength, scratchLength));
  }

  write(stream: OutputStream, data: Uint8Array): void {
    const chunk = Buffer.from(data.buffer, data.byteOffset, data.length);
    const line = this.#lines[stream];
    this.#clock.tick();
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(newline, start);
      if (end < 0) break;
      if (line.length > 0) this.#endHeldLine(line, chunk.subarray(start, end));
      else this.#endLine(line, chunk, start, end);
      start = end + 1;
    }
    if (start < chunk.length) this.#hold(line, chunk.subarray(start));
    this.#flush();
  }

  /** Hands over lines that never ended, as pieces. */
  end(): void {
    this.#clock.tick();
    for (const line of [this.#lines.stdout, this.#lines.stderr]) {
      if (line.bytes === undefined || line.length === 0) continue;
      const tooLong = line.length > maximumLineLength;
      this.#record(line.middle.partial, line.bytes, 0, Math.min(line.length, maximumLineLength));
      if (tooLong) this.#record(line.middle.partial, line.bytes, maximumLineLength, line.length);
      line.length = 0;
    }
    this.#flush();
  }

  /** A whole line that is in the chunk: nothing is held, nothing copied twice. */
  #endLine(line: HeldLine, chunk: Buffer, start: number, newlineAt: number): void {
    const end = newlineAt > start && chunk[newlineAt - 1] === carriageReturn ? newlineAt - 1 : newlineAt;
    let from = start;
    while (end - from > maximumLineLength) {
      this.#record(line.middle.partial, chunk, from, from + maximumLineLength);
      from += maximumLineLength;
    }
    this.#record(line.middle.full, chunk, from, end);
  }

  #endHeldLine(line: HeldLine, rest: Buffer): void {
    this.#hold(line, rest);
    const { bytes } = line;
    if (bytes === undefined) return;
    const length = line.length > 0 && bytes[line.length - 1] === carriageReturn ? line.length - 1 : line.length;
    this.#record(line.middle.full, bytes, 0, length);
    line.length = 0;
  }

  /** Adds to the line; hands over pieces once it is certain that it is too long. */
  #hold(line: HeldLine, data: Buffer): void {
    let start = 0;
    for (;;) {
      const excess = line.length + data.length - start - maximumLineLength;
      const mayEndThere = excess === 1 && lastByte(line, data, start) === carriageReturn;
      if (excess <= 0 || mayEndThere) break;
      if (line.bytes === undefined || line.length === 0) {
        this.#record(line.middle.partial, data, start, start + maximumLineLength);
        start += maximumLineLength;
      } else if (line.length > maximumLineLength) {
        this.#record(line.middle.partial, line.bytes, 0, maximumLineLength);
        line.bytes[0] = carriageReturn;
        line.length = 1;
      } else {
        const taken = maximumLineLength - line.length;
        line.append(data.subarray(start, start + taken));
        this.#record(line.middle.partial, line.bytes, 0, maximumLineLength);
        line.length = 0;
        start += taken;
      }
    }
    if (start < data.length) line.append(data.subarray(start));
  }

  #record(middle: Buffer, content: Buffer, start: number, end: number): void {
    if (this.#length + headerLength + (end - start) + 1 > this.#blockLength) this.#flush();
    let at = this.#length;
    this.#clock.text.copy(scratch, at);
    middle.copy(scratch, at + timestampLength);
    at += headerLength;
    at += content.copy(scratch, at, start, end);
    scratch[at] = newline;
    this.#length = at + 1;
    this.#clock.advance();
  }

  #flush(): void {
    if (this.#length === 0) return;
    const length = this.#length;
    this.#length = 0;
    this.#output(scratch.subarray(0, length));
  }
}

function lastByte(line: HeldLine, data: Buffer, start: number): number | undefined {
  return start < data.length ? data[data.length - 1] : line.bytes?.[line.length - 1];
}
