// SPDX-License-Identifier: Apache-2.0
// The directories of /run/berth that the engine itself fills: streams, and what is mounted for containers and pods.

import { mkdir, readdir, rmdir } from "node:fs/promises";
import path from "node:path";
import { toEngineError } from "../base/errors.ts";
import { hasErrno } from "../host/files/errno.ts";

/** Makes them, and removes mount points on which nothing is mounted: a daemon that was killed leaves some. */
export async function prepareStateDirectories(state: string): Promise<void> {
  // 0711: a container's user must be able to walk down to its own root filesystem.
  const walkable = { recursive: true, mode: 0o711 } as const;
  await mkdir(state, walkable);
  await mkdir(path.join(state, "io"), { recursive: true, mode: 0o700 });
  for (const name of ["rootfs", "shm", "image-mounts"]) {
    const directory = path.join(state, name);
    await mkdir(directory, walkable);
    for (const id of await readdir(directory)) {
      // Root filesystems are mounted one below. Of the others that would be what is mounted: not ours.
      if (name === "rootfs") await removeUnused(path.join(directory, id, "fs"));
      await removeUnused(path.join(directory, id));
    }
  }
}

/** The kernel refuses one that is in use; what somebody has put there is not ours to remove. */
async function removeUnused(mountPoint: string): Promise<void> {
  try {
    await rmdir(mountPoint);
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ENOTDIR", "ENOTEMPTY", "EBUSY")) return;
    throw toEngineError(error, `remove ${mountPoint}, which nothing is mounted on`);
  }
}
