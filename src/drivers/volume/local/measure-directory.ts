// SPDX-License-Identifier: Apache-2.0
// How much is in a directory: the sizes of its files, as docker system df counts them.

import { lstat, readdir } from "node:fs/promises";
import { ifThere } from "../../../host/files/errno.ts";

const slash = Buffer.from("/");

/** A file with several names counts once, directories and what vanishes meanwhile count nothing. */
export async function measureDirectory(
  directory: string,
  { signal }: { readonly signal: AbortSignal },
): Promise<number> {
  const linked = new Set<string>();
  let bytes = 0;
  const pending = [Buffer.from(directory)];
  for (let file = pending.pop(); file !== undefined; file = pending.pop()) {
    signal.throwIfAborted();
    const stats = await ifThere(lstat(file));
    if (stats === undefined) continue;
    if (stats.isDirectory()) {
      const names = (await ifThere(readdir(file, { encoding: "buffer" }))) ?? [];
      for (const name of names) pending.push(Buffer.concat([file, slash, name]));
      continue;
    }
    const identity = `${stats.dev}:${stats.ino}`;
    if (linked.has(identity)) continue;
    if (stats.nlink > 1) linked.add(identity);
    bytes += stats.size;
  }
  return bytes;
}
