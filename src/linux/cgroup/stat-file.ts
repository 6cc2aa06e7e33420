// SPDX-License-Identifier: Apache-2.0
// Files of the kernel that count something. They are read synchronously: each takes some ten microseconds, which is less
// than a hop through Node's thread pool.

import { readFileSync } from "node:fs";
import { hasErrno } from "../../host/files/errno.ts";

/**
 * The text of a file of a cgroup; undefined when the file is not there (the kernel lacks it, or the controller is off),
 * when its cgroup is going away, or when this measuring is switched off (EOPNOTSUPP of *.pressure).
 */
export function readStatFile(directory: string, name: string): string | undefined {
  try {
    return readFileSync(`${directory}/${name}`, "utf8");
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ENODEV", "ENOTSUP", "EOPNOTSUPP", "ENOTDIR")) return undefined;
    throw error;
  }
}

/** A file that holds one count; undefined without the file, and for "max". */
export function readCount(directory: string, name: string): number | undefined {
  const text = readStatFile(directory, name);
  return text === undefined || !/^\d/.test(text) ? undefined : Number.parseInt(text, 10);
}

/** The same for counts that outgrow a double's 53 bits, such as nanoseconds of many processors. */
export function readBigCount(directory: string, name: string): bigint | undefined {
  const text = readStatFile(directory, name)?.trim();
  return text === undefined || !/^\d+$/.test(text) ? undefined : BigInt(text);
}

/** Lines "name number", as memory.stat and cpu.stat have them. */
export function parseCounts(text: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const line of text.split("\n")) {
    const space = line.indexOf(" ");
    if (space > 0) counts.set(line.slice(0, space), Number(line.slice(space + 1)));
  }
  return counts;
}

/** The counts of such a file; undefined without the file. */
export function readCounts(directory: string, name: string): ReadonlyMap<string, number> | undefined {
  const text = readStatFile(directory, name);
  return text === undefined ? undefined : parseCounts(text);
}
