// SPDX-License-Identifier: Apache-2.0

import { readdir } from "node:fs/promises";
import path from "node:path";
import { hasErrno } from "../../host/files/errno.ts";
import { type CgroupLayout, hierarchyOf } from "./layout.ts";

/**
 * Whether this kernel limits swap, told by the file that it then has in every cgroup; undefined when no cgroup could
 * tell. On version 2 the root has no limits, so that another cgroup is asked.
 */
export async function hasSwapAccounting(layout: CgroupLayout): Promise<boolean | undefined> {
  const memory = hierarchyOf(layout, "memory");
  if (memory === undefined) return undefined;
  if (layout.version === 1) return (await namesIn(memory.mountPoint)).includes("memory.memsw.limit_in_bytes");
  const own = path.join(memory.mountPoint, memory.ownPath);
  const below = (await namesIn(memory.mountPoint)).map((name) => path.join(memory.mountPoint, name));
  for (const directory of [own, ...below]) {
    const names = await namesIn(directory);
    if (names.includes("memory.max")) return names.includes("memory.swap.max");
  }
  return undefined;
}

/** Nothing for what is no directory, or is gone. */
async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ENOTDIR")) return [];
    throw error;
  }
}
