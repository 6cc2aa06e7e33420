// SPDX-License-Identifier: Apache-2.0
// Mounting: mount(2) and umount2(2), and the calls of the newer interface (fsopen, fsconfig, fsmount, move_mount,
// mount_setattr), which has no one-page limit on options. Numbers from linux/mount.h.

import { readSync } from "node:fs";
import { checked, closeDescriptor, libc } from "./libc.ts";

/** Flags of mount(2), MS_…. */
export const mountFlags = {
  readOnly: 1,
  noSuid: 1 << 1,
  noDevices: 1 << 2,
  noExecute: 1 << 3,
  synchronous: 1 << 4,
  remount: 1 << 5,
  mandatoryLock: 1 << 6,
  directorySynchronous: 1 << 7,
  noSymlinkFollow: 1 << 8,
  noAccessTime: 1 << 10,
  noDirectoryAccessTime: 1 << 11,
  bind: 1 << 12,
  recursive: 1 << 14,
  silent: 1 << 15,
  unbindable: 1 << 17,
  private: 1 << 18,
  slave: 1 << 19,
  shared: 1 << 20,
  relativeAccessTime: 1 << 21,
  strictAccessTime: 1 << 24,
  lazyTime: 1 << 25,
} as const;

/** Flags of umount2(2). */
export const unmountFlags = { detach: 2, noFollow: 8 } as const;

/** Attributes of fsmount(2) and mount_setattr(2), MOUNT_ATTR_…. */
export const mountAttributes = {
  readOnly: 0x01,
  noSuid: 0x02,
  noDevices: 0x04,
  noExecute: 0x08,
  accessTimeMask: 0x70,
  noAccessTime: 0x10,
  strictAccessTime: 0x20,
  noDirectoryAccessTime: 0x80,
  noSymlinkFollow: 0x200000,
} as const;

const currentDirectory = -100; // AT_FDCWD
const recursivePath = 0x8000; // AT_RECURSIVE
const closeOnExec = 1; // FSOPEN_CLOEXEC and FSMOUNT_CLOEXEC
const moveFromEmptyPath = 4; // MOVE_MOUNT_F_EMPTY_PATH
const configSetFlag = 0;
const configSetString = 1;
const configCreate = 6;
/** The numbers of the newer calls are the same on every architecture. */
const numbers = { moveMount: 429, fsopen: 430, fsconfig: 431, fsmount: 432, mountSetattr: 442 } as const;

// SAFETY: both take NUL-terminated strings that koffi keeps for the length of the call; a null data is allowed.
const mountCall = libc.func("mount", "int", ["str", "str", "str", "ulong", "str"]);
const unmountCall = libc.func("umount2", "int", ["str", "int"]);
// SAFETY: syscall(2) with exactly the integer and pointer arguments of each call; strings live for the length of the call
// and the kernel copies them.
const moveMountCall = libc.func("syscall", "long", ["long", "int", "str", "int", "str", "uint"]);
const fsopenCall = libc.func("syscall", "long", ["long", "str", "uint"]);
const fsconfigCall = libc.func("syscall", "long", ["long", "int", "uint", "str", "str", "int"]);
const fsmountCall = libc.func("syscall", "long", ["long", "int", "uint", "uint"]);
// SAFETY: the pointer is to the 32 bytes of struct mount_attr and their length is passed as its size.
const mountSetattrCall = libc.func("syscall", "long", ["long", "int", "str", "uint", "void *", "size_t"]);

export interface MountCall {
  readonly source: string;
  readonly target: string;
  /** Empty for a bind, a remount or a change of propagation. */
  readonly type: string;
  readonly flags: number;
  /** Options of the file system itself, comma-separated; at most a page. */
  readonly data: string;
}

/** mount(2). Throws SystemCallError that names type, source and target. */
export function mount(call: MountCall): void {
  const { source, target, type, flags, data } = call;
  const about = `${type === "" ? "" : `${type} `}${source} on ${target}`;
  checked(
    mountCall(source, target, type === "" ? null : type, flags, data === "" ? null : data) as number,
    "mount",
    about,
  );
}

/** umount2(2) on the calling thread. */
export function unmount(target: string, flags: number): void {
  checked(unmountCall(target, flags) as number, "umount2", target);
}

/**
 * umount2(2) on a pool thread: it may write back what an overlay still holds in memory. errno does not come back from
 * that thread, so a failed call is repeated here; what fails, fails at once.
 */
export async function unmountOffThread(target: string, flags: number): Promise<void> {
  const result = await new Promise<number>((resolve, reject) => {
    unmountCall.async(target, flags, (error: Error | null, value: number) => {
      if (error === null) resolve(value);
      else reject(error);
    });
  });
  if (result === -1) unmount(target, flags);
}

/** Changes attributes of the mount at the path and, if recursive, of all below it (Linux 5.12). */
export function setMountAttributes(
  target: string,
  change: { readonly set: number; readonly clear: number; readonly recursive: boolean },
): void {
  const attributes = new BigUint64Array([BigInt(change.set), BigInt(change.clear), 0n, 0n]);
  const flags = change.recursive ? recursivePath : 0;
  checked(
    mountSetattrCall(
      numbers.mountSetattr,
      currentDirectory,
      target,
      flags,
      attributes,
      attributes.byteLength,
    ) as number,
    "mount_setattr",
    target,
  );
}

export interface FilesystemMount {
  readonly type: string;
  readonly target: string;
  /** In order; a key without a value is a flag. A key may come several times ("lowerdir+"). */
  readonly parameters: readonly (readonly [key: string, value?: string])[];
  /** Of mountAttributes. */
  readonly attributes: number;
}

/** Makes a file system with the newer interface, where every option is a call of its own, and puts it on the target. */
export function mountWithParameters(request: FilesystemMount): void {
  const { type, target } = request;
  const context = checked(fsopenCall(numbers.fsopen, type, closeOnExec) as number, "fsopen", type);
  try {
    for (const [key, value] of request.parameters) {
      const command = value === undefined ? configSetFlag : configSetString;
      const result = fsconfigCall(numbers.fsconfig, context, command, key, value ?? null, 0) as number;
      checked(result, "fsconfig", `${type} ${key}${value === undefined ? "" : `=${value}`}`);
    }
    checked(
      fsconfigCall(numbers.fsconfig, context, configCreate, null, null, 0) as number,
      "fsconfig",
      `${type} create`,
    );
    const result = fsmountCall(numbers.fsmount, context, closeOnExec, request.attributes) as number;
    const detached = checked(result, "fsmount", type);
    try {
      placeMount(detached, target);
    } finally {
      closeDescriptor(detached);
    }
  } catch (error) {
    const explanation = readExplanation(context);
    if (explanation === "") throw error;
    throw new Error(`mount ${type} on ${target}: ${explanation}`, { cause: error });
  } finally {
    closeDescriptor(context);
  }
}

/** What the kernel says about failed calls on the context: one message a read, until ENODATA. */
function readExplanation(context: number): string {
  const messages: string[] = [];
  const buffer = Buffer.alloc(1024);
  for (;;) {
    try {
      // Each message starts with its severity and a space: "e ", "w " or "i ".
      messages.push(buffer.toString("utf8", 2, readSync(context, buffer)).trim());
    } catch {
      return messages.join("; "); // ENODATA, or a kernel that keeps no messages: there is no more to say
    }
  }
}

/** Puts the detached mount that the descriptor stands for onto the target; the caller closes the descriptor. */
export function placeMount(mount: number, target: string): void {
  const result = moveMountCall(numbers.moveMount, mount, "", currentDirectory, target, moveFromEmptyPath);
  checked(result as number, "move_mount", target);
}
