// SPDX-License-Identifier: Apache-2.0
// The C library through koffi: the only folder that may. Each file beside this one declares the calls of one subject and
// says above each why the call is safe. Calls are synchronous and act on the calling thread.

import { constants } from "node:os";
import koffi from "koffi";

/** The library; each file declares its calls. */
export const libc = koffi.load("libc.so.6");

/** Of two names for a number the first in the alphabet is Node's own: EAGAIN, not EWOULDBLOCK; ENOTSUP, not EOPNOTSUPP. */
const nameByNumber = new Map(
  Object.entries(constants.errno)
    .toSorted(([a], [b]) => (a < b ? 1 : -1))
    .map(([name, number]) => [number, name]),
);

/** A failed system call, shaped like Node's own errors: code is the errno's name. */
export class SystemCallError extends Error {
  override readonly name = "SystemCallError";
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;

  constructor(syscall: string, errno: number, about: string) {
    const code = nameByNumber.get(errno) ?? `E${errno}`;
    super(`${syscall} ${about}: ${code}`);
    this.code = code;
    this.errno = errno;
    this.syscall = syscall;
  }
}

/** The result of a call that answers -1 on failure; throws SystemCallError with what it was about. */
export function checked(result: number, syscall: string, about: string): number {
  if (result !== -1) return result;
  throw new SystemCallError(syscall, koffi.errno(), about);
}

// SAFETY: an integer; the caller owns the descriptor.
const closeCall = libc.func("close", "int", ["int"]);

/** Closes a descriptor that a call of this folder opened; Node warns of such in a worker thread, since it did not open them. */
export function closeDescriptor(descriptor: number): void {
  checked(closeCall(descriptor) as number, "close", `descriptor ${descriptor}`);
}
