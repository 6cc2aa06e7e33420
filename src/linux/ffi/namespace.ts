// SPDX-License-Identifier: Apache-2.0
// Namespaces of the calling thread; and the host name of its UTS namespace. Only for a thread that does nothing else.

import { checked, libc } from "./libc.ts";

/** Flags of unshare(2) and types of setns(2), CLONE_NEW…. */
export const namespaceFlags = { network: 0x40000000, ipc: 0x08000000, uts: 0x04000000 } as const;

// SAFETY: integers only; they change the calling thread and nobody else.
const unshareCall = libc.func("unshare", "int", ["int"]);
const setnsCall = libc.func("setns", "int", ["int", "int"]);
// SAFETY: a string and its length in bytes; the kernel copies it and refuses more than 64.
const sethostnameCall = libc.func("sethostname", "int", ["str", "size_t"]);

/** Gives the calling thread new namespaces. */
export function unshare(flags: number): void {
  checked(unshareCall(flags) as number, "unshare", `0x${flags.toString(16)}`);
}

/** Moves the calling thread into the namespace that the descriptor stands for. */
export function enterNamespace(descriptor: number, type: number): void {
  checked(setnsCall(descriptor, type) as number, "setns", `0x${type.toString(16)}`);
}

/** Names the calling thread's UTS namespace. */
export function setHostname(name: string): void {
  checked(sethostnameCall(name, Buffer.byteLength(name)) as number, "sethostname", name);
}
