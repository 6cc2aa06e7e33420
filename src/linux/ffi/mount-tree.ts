// SPDX-License-Identifier: Apache-2.0
// Mounts that are not in the tree yet: a copy of what is mounted at a path (open_tree(2)), which may be made idmapped
// (mount_setattr(2)). Numbers from linux/mount.h.

import { checked, libc } from "./libc.ts";

const currentDirectory = -100; // AT_FDCWD
const recursivePath = 0x8000; // AT_RECURSIVE
const emptyPath = 0x1000; // AT_EMPTY_PATH
const treeClone = 1; // OPEN_TREE_CLONE
const treeCloseOnExec = 0o2000000; // OPEN_TREE_CLOEXEC
const idmapAttribute = 0x100000; // MOUNT_ATTR_IDMAP
/** The same on every architecture. */
const numbers = { openTree: 428, mountSetattr: 442 } as const;

// SAFETY: syscall(2) with exactly the integer and pointer arguments of each call; strings live for the length of the call
// and the kernel copies them.
const openTreeCall = libc.func("syscall", "long", ["long", "int", "str", "uint"]);
// SAFETY: the pointer is to the 32 bytes of struct mount_attr and their length is passed as its size.
const mountSetattrCall = libc.func("syscall", "long", ["long", "int", "str", "uint", "void *", "size_t"]);

/** A copy of the mount at the path from there on, recursive with all below it; the caller closes the descriptor. */
export function cloneMount(path: string, { recursive }: { readonly recursive: boolean }): number {
  const flags = treeClone | treeCloseOnExec | (recursive ? recursivePath : 0);
  return checked(openTreeCall(numbers.openTree, currentDirectory, path, flags) as number, "open_tree", path);
}

/** Maps the ids of a copy as the user namespace of the descriptor does; about: what a failure is to name. */
export function setIdmap(
  mount: number,
  userNamespace: number,
  { recursive, about }: { readonly recursive: boolean; readonly about: string },
): void {
  const attributes = new BigUint64Array([BigInt(idmapAttribute), 0n, 0n, BigInt(userNamespace)]);
  const flags = emptyPath | (recursive ? recursivePath : 0);
  const size = attributes.byteLength;
  checked(mountSetattrCall(numbers.mountSetattr, mount, "", flags, attributes, size) as number, "mount_setattr", about);
}
