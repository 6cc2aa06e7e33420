// SPDX-License-Identifier: Apache-2.0
// The mount table as the kernel tells it: /proc/<pid>/mountinfo (proc(5)).

import { readFile } from "node:fs/promises";

/** One line of mountinfo. */
export interface MountEntry {
  readonly id: number;
  readonly parent: number;
  /** The directory of the file system that is mounted here. */
  readonly root: string;
  readonly mountPoint: string;
  /** Options of this mount: "ro", "nosuid"… */
  readonly options: readonly string[];
  /** The peer group that propagates to and from this mount, if it is shared. */
  readonly sharedGroup?: number;
  /** The peer group that this mount receives from, if it is a slave. */
  readonly masterGroup?: number;
  readonly type: string;
  readonly source: string;
  /** Options of the file system: "rw", "lowerdir=…". */
  readonly superOptions: readonly string[];
}

/** The mounts that this process sees, in the order they were made. */
export async function readMounts(): Promise<readonly MountEntry[]> {
  return parseMountInfo(await readFile("/proc/self/mountinfo", "utf8"));
}

/** Parses mountinfo; lines that are no mounts are left out. */
export function parseMountInfo(text: string): readonly MountEntry[] {
  return text
    .split("\n")
    .map(parseLine)
    .filter((entry) => entry !== undefined);
}

function parseLine(line: string): MountEntry | undefined {
  const fields = line.split(" ");
  const separator = fields.indexOf("-", 6);
  const [id, parent, , root, mountPoint, options] = fields;
  const [type, source, superOptions] = fields.slice(separator + 1);
  if (separator < 0 || root === undefined || mountPoint === undefined || options === undefined) return undefined;
  if (type === undefined || source === undefined) return undefined;
  const tags = fields.slice(6, separator);
  const sharedGroup = groupOf(tags, "shared:");
  const masterGroup = groupOf(tags, "master:");
  return {
    id: Number(id),
    parent: Number(parent),
    root: unescapePath(root),
    mountPoint: unescapePath(mountPoint),
    options: options.split(","),
    ...(sharedGroup === undefined ? {} : { sharedGroup }),
    ...(masterGroup === undefined ? {} : { masterGroup }),
    type: unescapePath(type),
    source: unescapePath(source),
    superOptions: (superOptions ?? "").split(",").map(unescapePath),
  };
}

function groupOf(tags: readonly string[], prefix: string): number | undefined {
  const tag = tags.find((candidate) => candidate.startsWith(prefix));
  return tag === undefined ? undefined : Number(tag.slice(prefix.length));
}

/** The kernel writes space, tab, newline, backslash and "#" as "\" and three octal digits. */
function unescapePath(text: string): string {
  if (!text.includes("\\")) return text;
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

/** Whether the path is the directory or lies below it; both absolute and without "..". */
export function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory.endsWith("/") ? directory : `${directory}/`);
}

/** The mount that the path lies on: of those whose mount point leads to it, the one made last at the longest. */
export function mountOf(path: string, mounts: readonly MountEntry[]): MountEntry | undefined {
  let found: MountEntry | undefined;
  for (const entry of mounts) {
    if (!isWithin(path, entry.mountPoint)) continue;
    if (found === undefined || entry.mountPoint.length >= found.mountPoint.length) found = entry;
  }
  return found;
}
