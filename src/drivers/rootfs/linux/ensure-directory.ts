// SPDX-License-Identifier: Apache-2.0
// Making a directory inside a root, for a working directory or a mount point that the image does not have.

import { chmodSync, chownSync, closeSync, readlinkSync } from "node:fs";
import path from "node:path";
import { textToByteString } from "../../../base/byte-string.ts";
import { failedPrecondition } from "../../../base/errors.ts";
import type { DirectoryAttributes } from "../../../core/containers/rootfs.ts";
import { hasErrno } from "../../../host/files/errno.ts";
import { makeDirectoryAt, openAt2, openFlags, resolveFlags } from "../../../linux/ffi/file.ts";
import { descriptorPath, type OpenRoot, openRoot } from "./resolve.ts";

/** As many symlinks as the kernel follows in one path. */
const mostSymlinks = 40;

/** Makes what is missing, one component after the other. */
export function ensureDirectory(root: string, directory: string, attributes: DirectoryAttributes): void {
  using opened = openRoot(root);
  let links = 0;
  let done = "/";
  let rest = componentsOf(directory);
  for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
    const next = path.posix.join(done, name);
    const target = ensureComponent(opened, done, name, attributes);
    if (target === undefined) {
      done = next;
      continue;
    }
    if (++links > mostSymlinks) throw failedPrecondition(`too many symlinks in ${directory}`);
    // A symlink to something missing: go on there. The names so far stand, since the kernel resolves them again.
    rest = [...componentsOf(target), ...rest];
    if (target.startsWith("/")) done = "/";
  }
}

/** ".." is left to the kernel where symlinks come before it. */
function componentsOf(directory: string): string[] {
  return directory.split("/").filter((name) => name !== "" && name !== ".");
}

/** Makes one directory if it is not there; the target when a symlink to nothing has its name. */
function ensureComponent(
  root: OpenRoot,
  parent: string,
  name: string,
  attributes: DirectoryAttributes,
): string | undefined {
  const existing = root.find(`${parent}/${name}`, { directory: true });
  if (existing !== undefined) {
    closeSync(existing);
    return undefined;
  }
  const directory = root.find(parent, { directory: true });
  if (directory === undefined) throw failedPrecondition(`${parent} is no directory`);
  try {
    makeDirectoryAt(directory, textToByteString(name), 0o700);
    setAttributes(directory, name, attributes);
    return undefined;
  } catch (error) {
    if (!hasErrno(error, "EEXIST")) throw error;
    return readLink(root, directory, parent, name);
  } finally {
    closeSync(directory);
  }
}

function readLink(root: OpenRoot, directory: number, parent: string, name: string): string | undefined {
  try {
    return readlinkSync(path.posix.join(descriptorPath(directory), name));
  } catch (error) {
    if (!hasErrno(error, "EINVAL")) throw error;
    const made = root.find(`${parent}/${name}`, { directory: true });
    if (made === undefined) throw failedPrecondition(`${path.posix.join(parent, name)} is there but no directory`);
    closeSync(made); // somebody else made it meanwhile
    return undefined;
  }
}

/** Through a descriptor of the new directory, so that nothing put in its place is changed. */
function setAttributes(parent: number, name: string, attributes: DirectoryAttributes): void {
  const made = openAt2(parent, textToByteString(name), {
    flags: openFlags.path | openFlags.directory | openFlags.noFollow,
    resolve: resolveFlags.beneath | resolveFlags.noSymlinks,
  });
  try {
    chownSync(descriptorPath(made), attributes.uid, attributes.gid);
    chmodSync(descriptorPath(made), attributes.mode);
  } finally {
    closeSync(made);
  }
}
