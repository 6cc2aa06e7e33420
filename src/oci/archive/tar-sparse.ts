// SPDX-License-Identifier: Apache-2.0
// Sparse files in tar archives: old GNU headers (type S) and GNU's PAX formats 0.0, 0.1 and 1.0 (GNU tar manual,
// "Storing Sparse Files"). All of them say where in the file the bytes that the archive stores belong.

import type { ByteString } from "../../base/byte-string.ts";
import { malformedTar, refusedTar, type TarExtent } from "./tar-entry.ts";
import { tarNumber } from "./tar-header.ts";

const maximumExtents = 65_536;

/** The GNU.sparse.* records of one entry. */
export interface PaxSparse {
  readonly name?: ByteString;
  readonly realSize?: number;
  readonly major?: string;
  /** Offsets and lengths in turn; formats 0.0 and 0.1. */
  readonly numbers?: readonly number[];
}

/** The sparse attributes with one record more. */
export function addSparseRecord(sparse: PaxSparse, key: string, value: ByteString): PaxSparse {
  switch (key.slice("GNU.sparse.".length)) {
    case "name":
      return { ...sparse, name: value };
    case "size":
    case "realsize":
      return { ...sparse, realSize: sparseNumber(value) };
    case "major":
      return { ...sparse, major: value };
    case "map":
      return { ...sparse, numbers: value === "" ? [] : value.split(",").map(sparseNumber) };
    case "offset":
    case "numbytes": {
      const numbers = (sparse.numbers ?? []) as number[];
      if (numbers.length >= 2 * maximumExtents) throw tooManyExtents();
      numbers.push(sparseNumber(value));
      return { ...sparse, numbers };
    }
    default:
      return sparse;
  }
}

/** Pairs numbers into extents and checks them: ascending, inside the file, and as many bytes as are stored. */
export function checkedExtents(numbers: readonly number[], realSize: number, storedSize: number): TarExtent[] {
  if (numbers.length % 2 !== 0) throw malformedTar("a sparse map has an offset without a length");
  if (numbers.length > 2 * maximumExtents) throw tooManyExtents();
  const extents: TarExtent[] = [];
  let end = 0;
  let stored = 0;
  for (let index = 0; index < numbers.length; index += 2) {
    const offset = numbers[index] as number; // index < length, and lengths are paired
    const length = numbers[index + 1] as number;
    if (offset < end || offset + length > realSize) throw malformedTar("a sparse map is out of order or too long");
    end = offset + length;
    stored += length;
    if (length > 0) extents.push({ offset, length });
  }
  if (stored !== storedSize) throw malformedTar("a sparse map does not match the size of its data");
  return extents;
}

/** Collects the map of an old GNU sparse file from its header and extension blocks. */
export class OldGnuSparseMap {
  readonly numbers: number[] = [];
  readonly realSize: number;
  /** Whether an extension block follows. */
  isExtended: boolean;

  constructor(header: Buffer) {
    this.realSize = numberOrMalformed(tarNumber(header, 483, 12));
    this.isExtended = header[482] !== 0;
    this.#read(header, 386, 4);
  }

  addExtension(block: Buffer): void {
    this.#read(block, 0, 21);
    this.isExtended = block[504] !== 0;
    if (this.numbers.length > 2 * maximumExtents) throw tooManyExtents();
  }

  #read(block: Buffer, start: number, count: number): void {
    for (let index = 0; index < count; index++) {
      const at = start + index * 24;
      if (block[at] === 0) return;
      this.numbers.push(numberOrMalformed(tarNumber(block, at, 12)), numberOrMalformed(tarNumber(block, at + 12, 12)));
    }
  }
}

/** Collects the map that format 1.0 puts before the data: a count and pairs, one decimal number a line. */
export class LeadingSparseMap {
  readonly #numbers: number[] = [];
  #rest = "";
  /** Blocks taken so far. */
  blocks = 0;

  /** Whether the map is complete with this block. */
  add(block: Buffer): boolean {
    this.blocks++;
    const lines = (this.#rest + block.toString("latin1")).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      this.#numbers.push(sparseNumber(line));
      if (this.#isComplete()) return true;
    }
    if (this.#rest.length > 20) throw malformedTar("a sparse map is not made of numbers");
    return false;
  }

  get numbers(): readonly number[] {
    return this.#numbers.slice(1);
  }

  #isComplete(): boolean {
    const count = this.#numbers[0] ?? 0;
    if (count > maximumExtents) throw tooManyExtents();
    return this.#numbers.length === 1 + 2 * count;
  }
}

function sparseNumber(text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(number)) throw malformedTar("a sparse map is not made of numbers");
  return number;
}

function numberOrMalformed(value: number | undefined): number {
  if (value === undefined || value < 0) throw malformedTar("a sparse map is not made of numbers");
  return value;
}

function tooManyExtents() {
  return refusedTar(`a sparse file has more than ${maximumExtents} extents`);
}
