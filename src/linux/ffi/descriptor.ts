// SPDX-License-Identifier: Apache-2.0
// Flags of open descriptors, which Node sets only on those that it opens itself.

import { checked, libc } from "./libc.ts";

const setDescriptorFlags = 2; // F_SETFD
const closeOnExec = 1; // FD_CLOEXEC

// SAFETY: integers only.
const fcntlCall = libc.func("fcntl", "int", ["int", "int", "..."]);

/** Keeps a descriptor from the programs that this process starts. */
export function setCloseOnExec(descriptor: number): void {
  checked(fcntlCall(descriptor, setDescriptorFlags, "int", closeOnExec) as number, "fcntl", `descriptor ${descriptor}`);
}
