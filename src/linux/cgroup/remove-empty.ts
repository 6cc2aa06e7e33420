// SPDX-License-Identifier: Apache-2.0

import { rmdir } from "node:fs/promises";
import { hasErrno } from "../../host/files/errno.ts";
import { directoriesOfPath, readCgroupLayout } from "./layout.ts";

/** Removes a cgroup from every hierarchy where neither a process nor another cgroup is in it. */
export async function removeEmptyCgroup(cgroupsPath: string): Promise<void> {
  for (const directory of Object.values(directoriesOfPath(await readCgroupLayout(), cgroupsPath))) {
    try {
      // The kernel refuses to remove one that is in use: there is nothing to find out before.
      await rmdir(directory);
    } catch (error) {
      if (!hasErrno(error, "EBUSY", "ENOTEMPTY", "ENOENT")) throw error;
    }
  }
}
