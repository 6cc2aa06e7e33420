// SPDX-License-Identifier: Apache-2.0
// Archives for tests: made from plain objects, and read back whole.

import type { TarEntry } from "../tar-entry.ts";
import { TarReader } from "../tar-reader.ts";
import { type NewTarEntry, tarEnd, tarHeader, tarPadding } from "../tar-writer.ts";

export interface TestEntry extends Partial<NewTarEntry> {
  readonly path: string;
  readonly data?: string | Uint8Array;
}

/** One entry with its data, without the end of the archive. */
export function tarPart({ data = "", ...entry }: TestEntry): Buffer {
  const bytes = Buffer.from(data as string);
  const header = tarHeader({ kind: entry.path.endsWith("/") ? "directory" : "file", size: bytes.length, ...entry });
  return Buffer.concat([header, bytes, tarPadding(bytes.length)]);
}

export function makeTar(...entries: readonly (TestEntry | Buffer)[]): Buffer {
  const parts = entries.map((entry) => (Buffer.isBuffer(entry) ? entry : tarPart(entry)));
  return Buffer.concat([...parts, tarEnd()]);
}

export interface ReadEntry extends TarEntry {
  /** The whole file, its holes as zeros. */
  readonly data: Buffer;
}

/** Reads an archive, cut at the given places. */
export function readTar(archive: Buffer, cuts: readonly number[] = []): ReadEntry[] {
  const entries: ReadEntry[] = [];
  const reader = new TarReader({
    entry: (entry) => entries.push({ ...entry, data: Buffer.alloc(Math.min(entry.size, 1 << 26)) }),
    data: (bytes, offset) => bytes.copy(entries.at(-1)?.data as Buffer, offset), // entry() came first
    end: () => {},
  });
  let start = 0;
  for (const cut of [...cuts, archive.length]) {
    reader.write(archive.subarray(start, cut));
    start = cut;
  }
  reader.finish();
  return entries;
}

/** Changes bytes of the first header block and mends its checksum. */
export function patchHeader(archive: Buffer, at: number, bytes: Uint8Array): Buffer {
  const patched = Buffer.from(archive);
  Buffer.from(bytes).copy(patched, at);
  patched.fill(0x20, 148, 156);
  const sum = patched.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  patched.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return patched;
}
