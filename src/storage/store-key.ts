// SPDX-License-Identifier: Apache-2.0
// What every store holds its keys to: their length and their order.

import { Buffer } from "node:buffer";
import { invalidArgument } from "../base/errors.ts";
import type { KeyRange } from "./store.ts";

/** The longest key in bytes of UTF-8, well inside what a page of LMDB allows. */
const maximumKeyBytes = 1024;

/** The key as UTF-8, or invalid-argument when it is too long. */
export function encodeKey(table: string, key: string): Buffer {
  const bytes = Buffer.from(key, "utf8");
  if (bytes.length > maximumKeyBytes) {
    throw invalidArgument(`key of ${bytes.length} bytes for table ${table}: at most ${maximumKeyBytes} are allowed`);
  }
  return bytes;
}

/** Orders keys by their UTF-8 bytes, which is not the order of JavaScript's strings. */
export function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a, "utf8"), Buffer.from(b, "utf8"));
}

/** Whether a walk over this range visits the key, its limit aside. */
export function inRange(key: string, range: KeyRange): boolean {
  if (range.prefix !== undefined && !key.startsWith(range.prefix)) return false;
  return range.after === undefined || compareKeys(key, range.after) > 0;
}
