// SPDX-License-Identifier: Apache-2.0
// flock(2): a lock of the open file, which the kernel drops with the last descriptor, however the process ends.

import { constants } from "node:os";
import { checked, libc, SystemCallError } from "./libc.ts";

const exclusive = 2; // LOCK_EX
const nonBlocking = 4; // LOCK_NB

// SAFETY: integers only; LOCK_NB keeps it from blocking.
const flockCall = libc.func("flock", "int", ["int", "int"]);

/** Takes the exclusive lock of the open file; false when another open file has it. */
export function tryLock(descriptor: number): boolean {
  try {
    checked(flockCall(descriptor, exclusive | nonBlocking) as number, "flock", `descriptor ${descriptor}`);
    return true;
  } catch (error) {
    if (error instanceof SystemCallError && error.errno === constants.errno.EAGAIN) return false;
    throw error;
  }
}
