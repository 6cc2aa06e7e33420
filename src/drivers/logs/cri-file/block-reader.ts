// SPDX-License-Identifier: Apache-2.0
// Reads a log file forwards, record by record, and finds where its last lines begin, both in blocks: the size of the
// file never matters.

import { read } from "node:fs";
import { promisify } from "node:util";
import type { LogEntry } from "../../../core/streams/container-log.ts";
import { parseHeader, parseRecord } from "./cri-record.ts";

const readAt = promisify(read);
const blockLength = 64 * 1024;
/** A line without an end is given up beyond this; records are shorter. */
const maximumCarry = 1024 * 1024;
const newline = 0x0a;

/** Where a reader stands in one file. */
export class RecordReader {
  readonly fd: number;
  #position: number;
  #carry: Buffer = Buffer.alloc(0);

  constructor(fd: number, position: number) {
    this.fd = fd;
    this.#position = position;
  }

  /** The records of the next block; undefined at the end of the file. Lines that are no records are passed over. */
  async next(): Promise<readonly LogEntry[] | undefined> {
    const block = Buffer.allocUnsafeSlow(blockLength);
    const { bytesRead } = await readAt(this.fd, block, 0, blockLength, this.#position);
    if (bytesRead === 0) return undefined;
    this.#position += bytesRead;
    const fresh = block.subarray(0, bytesRead);
    const text = this.#carry.length === 0 ? fresh : Buffer.concat([this.#carry, fresh]);
    const entries: LogEntry[] = [];
    let start = 0;
    for (let end = text.indexOf(newline); end >= 0; end = text.indexOf(newline, start)) {
      const entry = parseRecord(text, start, end);
      if (entry !== undefined) entries.push(entry);
      start = end + 1;
    }
    const rest = text.subarray(start);
    this.#carry = rest.length > maximumCarry ? Buffer.alloc(0) : rest;
    return entries;
  }
}

/** How many lines are still wanted of the end of a log; remembers between its files which stream's line goes on. */
export class TailCounter {
  readonly #goesOn = { stdout: false, stderr: false };
  #wanted: number;

  constructor(wanted: number) {
    this.#wanted = wanted;
  }

  /** Takes records from the last to the first; false when this one belongs to a line that is not wanted any more. */
  take(record: { readonly stream: "stdout" | "stderr"; readonly complete: boolean }): boolean {
    const startsLine = record.complete || !this.#goesOn[record.stream];
    if (startsLine && this.#wanted === 0) return false;
    if (startsLine) this.#wanted--;
    this.#goesOn[record.stream] = true;
    return true;
  }
}

/** The offset from which the counter wants the file; zero when it wants all of it and more. */
export async function findTail(fd: number, size: number, counter: TailCounter): Promise<number> {
  let position = size;
  // The beginning of the line that the block after this one started in the middle of.
  let carry: Buffer = Buffer.alloc(0);
  while (position > 0) {
    const length = Math.min(blockLength, position);
    const block = Buffer.allocUnsafeSlow(length);
    await readAt(fd, block, 0, length, position - length);
    const text = carry.length === 0 ? block : Buffer.concat([block, carry]);
    position -= length;
    let end = text.length;
    for (;;) {
      const newlineAt = end === 0 ? -1 : text.lastIndexOf(newline, end - 1);
      if (newlineAt < 0 && position > 0) break;
      const start = newlineAt + 1;
      const header = start < end ? parseHeader(text, start, end) : undefined;
      // From the newline of the refused line on; the reader passes over the empty line that this leaves.
      if (header !== undefined && !counter.take(header)) return position + end;
      if (newlineAt < 0) break;
      end = newlineAt;
    }
    carry = end > maximumCarry ? Buffer.alloc(0) : text.subarray(0, end);
  }
  return 0;
}
