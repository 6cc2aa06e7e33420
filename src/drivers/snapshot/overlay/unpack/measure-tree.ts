// SPDX-License-Identifier: Apache-2.0
// What a directory takes on disk: blocks and inodes, each inode once however many names it has.

import { lstatSync, readdirSync } from "node:fs";
import { hasErrno } from "../../../../host/files/errno.ts";

export interface TreeUsage {
  readonly bytes: number;
  readonly inodes: number;
}

/** Counts the directory and all below it; what vanishes meanwhile, or lies deeper than a path can say, counts nothing. */
export function measureTree(directory: string): TreeUsage {
  const linked = new Set<number>();
  let bytes = 0;
  let inodes = 0;
  const pending = [Buffer.from(directory)];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    const stats = ignoringAbsence(path, (present) => lstatSync(present));
    if (stats === undefined || (stats.nlink > 1 && !stats.isDirectory() && linked.has(stats.ino))) continue;
    if (stats.nlink > 1) linked.add(stats.ino);
    bytes += stats.blocks * 512;
    inodes++;
    if (!stats.isDirectory()) continue;
    const names = ignoringAbsence(path, (present) => readdirSync(present, { encoding: "buffer" })) ?? [];
    for (const name of names) pending.push(Buffer.concat([path, slash, name]));
  }
  return { bytes, inodes };
}

const slash = Buffer.from("/");

function ignoringAbsence<R>(path: Buffer, read: (path: Buffer) => R): R | undefined {
  try {
    return read(path);
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ENOTDIR", "ENAMETOOLONG")) return undefined;
    throw error;
  }
}
