// SPDX-License-Identifier: Apache-2.0
// Writes tar headers: plain ustar where it fits, with a PAX header before it where it does not (long names, large
// numbers, fractions of seconds, extended attributes). The same entry always gives the same bytes. The caller writes
// header, data, padding for each entry, and tarEnd() last.

import type { ByteString } from "../../base/byte-string.ts";
import { invalidArgument } from "../../base/errors.ts";
import { formatPaxRecord } from "./pax.ts";
import { type TarEntry, type TarEntryKind, tarBlockSize, tarPaddingSize } from "./tar-entry.ts";

const flagByKind = {
  file: "0",
  "hard-link": "1",
  symlink: "2",
  "character-device": "3",
  "block-device": "4",
  directory: "5",
  fifo: "6",
} as const satisfies Record<TarEntryKind, string>;

const maximumOctal7 = 0o7777777;
const maximumOctal11 = 0o77777777777;

/** What a writer must say; the rest has the values of an ordinary file of root's. */
export type NewTarEntry = Pick<TarEntry, "path" | "kind"> & Partial<TarEntry>;

/** The blocks that go before the entry's data. extents are refused: holes are not written. */
export function tarHeader(entry: NewTarEntry): Buffer {
  if (entry.extents !== undefined) throw invalidArgument("sparse files cannot be written to a tar archive");
  const records = paxRecords(entry);
  const header = ustarBlock(entry, flagByKind[entry.kind]);
  if (records.length === 0) return header;
  const body = Buffer.concat(records);
  const extension = ustarBlock({ path: "PaxHeaders/entry", kind: "file", size: body.length }, "x");
  return Buffer.concat([extension, body, Buffer.alloc(tarPaddingSize(body.length)), header]);
}

/** The zero bytes after so many bytes of data. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc(tarPaddingSize(size));
}

/** The two zero blocks that end an archive. */
export function tarEnd(): Buffer {
  return Buffer.alloc(2 * tarBlockSize);
}

function paxRecords(entry: NewTarEntry): Buffer[] {
  const records: Buffer[] = [];
  const add = (key: ByteString, value: ByteString | number) =>
    records.push(formatPaxRecord(key, Buffer.from(String(value), "latin1")));
  const seconds = entry.mtimeSeconds ?? 0;
  const nanoseconds = entry.mtimeNanoseconds ?? 0;
  if (splitPath(entry.path) === undefined) add("path", entry.path);
  if ((entry.linkTarget ?? "").length > 100) add("linkpath", entry.linkTarget ?? "");
  if ((entry.size ?? 0) > maximumOctal11) add("size", entry.size ?? 0);
  if (!fits(entry.uid, maximumOctal7)) add("uid", entry.uid ?? 0);
  if (!fits(entry.gid, maximumOctal7)) add("gid", entry.gid ?? 0);
  if (nanoseconds !== 0 || !fits(seconds, maximumOctal11)) add("mtime", formatTime(seconds, nanoseconds));
  const xattrs = [...(entry.xattrs ?? [])].sort(([left], [right]) => (left < right ? -1 : 1));
  for (const [name, value] of xattrs) records.push(formatPaxRecord(`SCHILY.xattr.${name}`, value));
  return records;
}

function formatTime(seconds: number, nanoseconds: number): string {
  if (nanoseconds === 0) return String(seconds);
  const [whole, rest] = seconds < 0 ? [-seconds - 1, 1_000_000_000 - nanoseconds] : [seconds, nanoseconds];
  return `${seconds < 0 ? "-" : ""}${whole}.${String(rest).padStart(9, "0").replace(/0+$/, "")}`;
}

function fits(value: number | undefined, maximum: number): boolean {
  return value === undefined || (value >= 0 && value <= maximum);
}

/** ustar's two name fields: prefix and name, joined with a slash; undefined when the path does not fit. */
function splitPath(path: ByteString): readonly [prefix: ByteString, name: ByteString] | undefined {
  if (path.length <= 100) return ["", path];
  const slash = path.indexOf("/", path.length - 101);
  // A path whose only usable slash is its last character would leave an empty name.
  if (slash <= 0 || slash > 155 || slash === path.length - 1) return undefined;
  return [path.slice(0, slash), path.slice(slash + 1)];
}

function ustarBlock(entry: NewTarEntry, typeFlag: string): Buffer {
  const block = Buffer.alloc(tarBlockSize);
  const [prefix, name] = splitPath(entry.path) ?? ["", entry.path.slice(0, 100)];
  block.write(name, 0, 100, "latin1");
  octal(block, 100, 8, (entry.mode ?? 0o644) & 0o7777);
  octal(block, 108, 8, fits(entry.uid, maximumOctal7) ? (entry.uid ?? 0) : 0);
  octal(block, 116, 8, fits(entry.gid, maximumOctal7) ? (entry.gid ?? 0) : 0);
  const size = entry.kind === "file" ? (entry.size ?? 0) : 0;
  octal(block, 124, 12, fits(size, maximumOctal11) ? size : 0);
  octal(block, 136, 12, fits(entry.mtimeSeconds, maximumOctal11) ? (entry.mtimeSeconds ?? 0) : 0);
  block.write(typeFlag, 156, "latin1");
  block.write((entry.linkTarget ?? "").slice(0, 100), 157, "latin1");
  block.write("ustar\x0000", 257, "latin1");
  octal(block, 329, 8, entry.deviceMajor ?? 0);
  octal(block, 337, 8, entry.deviceMinor ?? 0);
  block.write(prefix, 345, 155, "latin1");
  block.fill(0x20, 148, 156);
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

function octal(block: Buffer, start: number, length: number, value: number): void {
  const text = value.toString(8).padStart(length - 1, "0");
  if (value < 0 || text.length > length - 1) throw invalidArgument(`${value} does not fit a tar header`);
  block.write(text, start, "latin1");
}
