// SPDX-License-Identifier: Apache-2.0
// Files relative to a directory descriptor, for unpacking what we do not trust: openat2(2) and the ...at calls. Names are
// byte strings (base/byte-string.ts). No call here follows a symlink in the last component, unless it says so. Every
// descriptor belongs to the caller, who closes it with closeDescriptor.

import type { ByteString } from "../../base/byte-string.ts";
import { quoteByteString } from "../../base/byte-string.ts";
import { hasErrno } from "../../host/files/errno.ts";
import { checked, libc } from "./libc.ts";

/** Flags of open(2) that Node does not name, or that differ between architectures. */
const isArm = process.arch === "arm64";
export const openFlags = {
  readOnly: 0,
  writeOnly: 1,
  create: 0o100,
  exclusive: 0o200,
  directory: isArm ? 0o40000 : 0o200000,
  noFollow: isArm ? 0o100000 : 0o400000,
  closeOnExec: 0o2000000,
  path: 0o10000000,
} as const;

/** Flags of openat2(2), RESOLVE_…. */
export const resolveFlags = { noMagicLinks: 0x02, noSymlinks: 0x04, beneath: 0x08, inRoot: 0x10 } as const;

const symlinkNoFollow = 0x100;
const removeDirectory = 0x200;
const openat2Number = 437;

// SAFETY (all of them): names are NUL-terminated buffers that live for the length of the call, and the kernel copies
// them; descriptors and modes are integers; nothing is kept after the call returns.
const openat2Call = libc.func("syscall", "long", ["long", "int", "const uint8_t *", "const uint8_t *", "size_t"]);
const mkdiratCall = libc.func("mkdirat", "int", ["int", "const uint8_t *", "uint"]);
const mknodatCall = libc.func("mknodat", "int", ["int", "const uint8_t *", "uint", "uint64_t"]);
const symlinkatCall = libc.func("symlinkat", "int", ["const uint8_t *", "int", "const uint8_t *"]);
const linkatCall = libc.func("linkat", "int", ["int", "const uint8_t *", "int", "const uint8_t *", "int"]);
const unlinkatCall = libc.func("unlinkat", "int", ["int", "const uint8_t *", "int"]);
const renameatCall = libc.func("renameat", "int", ["int", "const uint8_t *", "int", "const uint8_t *"]);
const fchownatCall = libc.func("fchownat", "int", ["int", "const uint8_t *", "uint", "uint", "int"]);
const fchmodCall = libc.func("fchmod", "int", ["int", "uint"]);
const fchmodatCall = libc.func("fchmodat", "int", ["int", "const uint8_t *", "uint", "int"]);
const fchownCall = libc.func("fchown", "int", ["int", "uint", "uint"]);
// SAFETY: the times are the 32 bytes of struct timespec[2].
const utimensatCall = libc.func("utimensat", "int", ["int", "const uint8_t *", "const uint8_t *", "int"]);
const futimensCall = libc.func("futimens", "int", ["int", "const uint8_t *"]);
const syncfsCall = libc.func("syncfs", "int", ["int"]);
// SAFETY: value buffers are passed with their length, which the kernel never exceeds.
const lsetxattrCall = libc.func("lsetxattr", "int", [
  "const uint8_t *",
  "const uint8_t *",
  "const uint8_t *",
  "size_t",
  "int",
]);
const fsetxattrCall = libc.func("fsetxattr", "int", ["int", "const uint8_t *", "const uint8_t *", "size_t", "int"]);
const getxattrCall = libc.func("getxattr", "long", ["const uint8_t *", "const uint8_t *", "_Out_ uint8_t *", "size_t"]);
const listxattrCall = libc.func("listxattr", "long", ["const uint8_t *", "_Out_ uint8_t *", "size_t"]);

/** Opens a path below the directory as openat2(2) does; mode is for a file that is created. */
export function openAt2(
  directory: number,
  path: ByteString,
  how: { readonly flags: number; readonly resolve: number; readonly mode?: number },
): number {
  const arguments_ = new BigUint64Array([
    BigInt(how.flags | openFlags.closeOnExec),
    BigInt(how.mode ?? 0),
    BigInt(how.resolve),
  ]);
  const bytes = new Uint8Array(arguments_.buffer);
  return checkedAt(openat2Call(openat2Number, directory, name(path), bytes, 24), "openat2", path);
}

export function makeDirectoryAt(directory: number, path: ByteString, mode: number): void {
  checkedAt(mkdiratCall(directory, name(path), mode), "mkdirat", path);
}

/** Makes a device or FIFO; mode includes the type bits of mknod(2), device is a deviceNumber. */
export function makeNodeAt(directory: number, path: ByteString, node: { mode: number; device: bigint }): void {
  checkedAt(mknodatCall(directory, name(path), node.mode, node.device), "mknodat", path);
}

export function symlinkAt(target: ByteString, directory: number, path: ByteString): void {
  checkedAt(symlinkatCall(name(target), directory, name(path)), "symlinkat", path);
}

/** A second name for a file; a symlink is linked itself. */
export function linkAt(directory: number, path: ByteString, newDirectory: number, newPath: ByteString): void {
  checkedAt(linkatCall(directory, name(path), newDirectory, name(newPath), 0), "linkat", path);
}

export function unlinkAt(directory: number, path: ByteString): void {
  checkedAt(unlinkatCall(directory, name(path), 0), "unlinkat", path);
}

export function removeDirectoryAt(directory: number, path: ByteString): void {
  checkedAt(unlinkatCall(directory, name(path), removeDirectory), "unlinkat", path);
}

export function renameAt(directory: number, path: ByteString, newDirectory: number, newPath: ByteString): void {
  checkedAt(renameatCall(directory, name(path), newDirectory, name(newPath)), "renameat", path);
}

export function setOwnerAt(directory: number, path: ByteString, uid: number, gid: number): void {
  checkedAt(fchownatCall(directory, name(path), uid, gid, symlinkNoFollow), "fchownat", path);
}

export function setOwner(descriptor: number, uid: number, gid: number): void {
  checkedAt(fchownCall(descriptor, uid, gid), "fchown", "");
}

/** Follows a symlink, as the kernel has no other way: only for what is known to be none. */
export function setModeAt(directory: number, path: ByteString, mode: number): void {
  checkedAt(fchmodatCall(directory, name(path), mode, 0), "fchmodat", path);
}

export function setMode(descriptor: number, mode: number): void {
  checkedAt(fchmodCall(descriptor, mode), "fchmod", "");
}

export interface FileTime {
  readonly seconds: number;
  readonly nanoseconds: number;
}

/** Sets access and modification time. */
export function setTimesAt(directory: number, path: ByteString, time: FileTime): void {
  checkedAt(utimensatCall(directory, name(path), timespecs(time), symlinkNoFollow), "utimensat", path);
}

export function setTimes(descriptor: number, time: FileTime): void {
  checkedAt(futimensCall(descriptor, timespecs(time)), "futimens", "");
}

/** Puts everything that was written to the file system of the descriptor on disk. */
export function syncFileSystem(descriptor: number): void {
  checkedAt(syncfsCall(descriptor), "syncfs", "");
}

/** Of the file itself, also of a symlink. */
export function setXattr(path: ByteString, attribute: ByteString, value: Uint8Array): void {
  checkedAt(lsetxattrCall(name(path), name(attribute), pointable(value), value.length, 0), "lsetxattr", attribute);
}

export function setDescriptorXattr(descriptor: number, attribute: ByteString, value: Uint8Array): void {
  checkedAt(fsetxattrCall(descriptor, name(attribute), pointable(value), value.length, 0), "fsetxattr", attribute);
}

/** undefined when it is not there. Follows symlinks: meant for /proc/self/fd/N, which leads to the very file. */
export function getXattr(path: ByteString, attribute: ByteString): Buffer | undefined {
  const value = Buffer.alloc(65_536);
  try {
    const result = getxattrCall(name(path), name(attribute), value, value.length);
    return value.subarray(0, checkedAt(result, "getxattr", attribute));
  } catch (error) {
    if (hasErrno(error, "ENODATA", "ENOTSUP")) return undefined;
    throw error;
  }
}

/** The names of a file's attributes; none where the file system has no attributes. Follows symlinks as getXattr does. */
export function listXattrs(path: ByteString): readonly ByteString[] {
  const names = Buffer.alloc(65_536);
  try {
    const length = checkedAt(listxattrCall(name(path), names, names.length), "listxattr", path);
    return names.toString("latin1", 0, length).split("\0").slice(0, -1);
  } catch (error) {
    if (hasErrno(error, "ENOTSUP")) return [];
    throw error;
  }
}

/** The kernel's dev_t as glibc encodes it (makedev(3)). */
export function deviceNumber(major: number, minor: number): bigint {
  const [high, low] = [BigInt(major), BigInt(minor)];
  return ((high & 0xffff_f000n) << 32n) | ((high & 0xfffn) << 8n) | ((low & 0xffff_ff00n) << 12n) | (low & 0xffn);
}

function checkedAt(result: unknown, syscall: string, about: ByteString): number {
  // A text for people only when it is needed: quoting costs more than most of the calls.
  return result === -1 ? checked(-1, syscall, quoteByteString(about)) : (result as number);
}

function name(path: ByteString): Uint8Array {
  return Buffer.from(`${path}\0`, "latin1");
}

/** koffi refuses to point into nothing. */
function pointable(value: Uint8Array): Uint8Array {
  return value.length === 0 ? Buffer.alloc(1) : value;
}

function timespecs({ seconds, nanoseconds }: FileTime): Uint8Array {
  const words = new BigInt64Array([BigInt(seconds), BigInt(nanoseconds), BigInt(seconds), BigInt(nanoseconds)]);
  return new Uint8Array(words.buffer);
}
