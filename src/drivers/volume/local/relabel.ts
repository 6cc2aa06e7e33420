// SPDX-License-Identifier: Apache-2.0
// SELinux labels of a bind's files. The tree belongs to somebody who may change it meanwhile: each directory is entered
// from the one above it and never through a link, so that nothing outside is ever reached.

import { constants } from "node:fs";
import { type FileHandle, open, readdir, realpath } from "node:fs/promises";
import { invalidArgument, toEngineError } from "../../../base/errors.ts";
import { hasErrno } from "../../../host/files/errno.ts";
import { setXattr } from "../../../linux/ffi/file.ts";

/** What the machine itself lives in keeps its labels. */
const untouchable =
  /^\/$|^\/(bin|boot|dev|etc|home|lib|lib32|lib64|media|mnt|opt|proc|root|run|sbin|srv|sys|tmp|usr|var)$|^\/(boot|dev|proc|sys)\/|^\/etc\/(passwd|pki|shadow)$|^\/var\/(lib|log)$/;

/** Gives all of the tree this label. A file system that has no labels is left as it is. */
export async function relabelTree(source: string, label: string): Promise<void> {
  try {
    const root = await realpath(source);
    if (untouchable.test(root)) throw invalidArgument(`relabelling ${root} is not allowed: the host needs its labels`);
    const value = Buffer.from(`${label}\0`);
    await using handle = await open(root, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    if (!setLabel(Buffer.from(root), value)) return;
    if ((await handle.stat()).isDirectory()) await relabelBelow(handle, value);
  } catch (error) {
    throw toEngineError(error, `relabel ${source}`);
  }
}

async function relabelBelow(directory: FileHandle, value: Uint8Array): Promise<void> {
  const way = `/proc/self/fd/${directory.fd}`;
  for (const entry of await readdir(way, { withFileTypes: true, encoding: "buffer" })) {
    const path = Buffer.concat([Buffer.from(`${way}/`), entry.name]);
    if (!setLabel(path, value) || !entry.isDirectory()) continue;
    await using child = await openDirectory(path);
    if (child !== undefined) await relabelBelow(child, value);
  }
}

/** undefined when it has gone, or has become something else. */
async function openDirectory(path: Buffer): Promise<FileHandle | undefined> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ENOTDIR", "ELOOP")) return undefined;
    throw error;
  }
}

/** Of the file itself, also of a link; whether it has one now. */
function setLabel(path: Buffer, value: Uint8Array): boolean {
  try {
    setXattr(path.toString("latin1"), "security.selinux", value);
    return true;
  } catch (error) {
    if (hasErrno(error, "ENOTSUP", "EOPNOTSUPP", "ENOENT")) return false;
    throw error;
  }
}
