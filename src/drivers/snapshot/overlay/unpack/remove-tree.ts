// SPDX-License-Identifier: Apache-2.0
// Removes a directory tree of any depth without following anything out of it and without a descriptor per level: what
// lies deep is first moved up to the top.

import { readdirSync } from "node:fs";
import type { ByteString } from "../../../../base/byte-string.ts";
import { hasErrno } from "../../../../host/files/errno.ts";
import { openAt2, openFlags, removeDirectoryAt, renameAt, resolveFlags, unlinkAt } from "../../../../linux/ffi/file.ts";
import { closeDescriptor } from "../../../../linux/ffi/libc.ts";
import { descriptorPath } from "./lower-layers.ts";

const maximumDepth = 32;

/** Removes the name in the directory, whatever it is; nothing happens when it is not there. */
export function removeTree(directory: number, name: ByteString): void {
  try {
    unlinkAt(directory, name);
    return;
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return;
    if (!hasErrno(error, "EISDIR")) throw error;
  }
  const top = openDirectory(directory, name);
  try {
    const moved: string[] = [];
    empty(top, { top, depth: 0, moved });
    for (let deep = moved.pop(); deep !== undefined; deep = moved.pop())
      removeChild(top, deep, { top, depth: 0, moved });
  } finally {
    closeDescriptor(top);
  }
  removeDirectoryAt(directory, name);
}

interface Removal {
  readonly top: number;
  readonly depth: number;
  /** Names in the top directory that were moved there, still to be removed. */
  readonly moved: string[];
}

function empty(descriptor: number, removal: Removal): void {
  const entries = readdirSync(Buffer.from(descriptorPath(descriptor)), { encoding: "buffer", withFileTypes: true });
  for (const entry of entries) {
    const name = entry.name.toString("latin1");
    if (!entry.isDirectory()) unlinkAt(descriptor, name);
    else if (removal.depth < maximumDepth) removeChild(descriptor, name, removal);
    else moveUp(descriptor, name, removal);
  }
}

function moveUp(parent: number, name: ByteString, { top, moved }: Removal): void {
  const unique = crypto.randomUUID();
  renameAt(parent, name, top, unique);
  moved.push(unique);
}

function removeChild(parent: number, name: ByteString, removal: Removal): void {
  const descriptor = openDirectory(parent, name);
  try {
    empty(descriptor, { ...removal, depth: removal.depth + 1 });
  } finally {
    closeDescriptor(descriptor);
  }
  removeDirectoryAt(parent, name);
}

function openDirectory(parent: number, name: ByteString): number {
  const flags = openFlags.directory | openFlags.noFollow;
  return openAt2(parent, name, { flags, resolve: resolveFlags.beneath | resolveFlags.noSymlinks });
}
