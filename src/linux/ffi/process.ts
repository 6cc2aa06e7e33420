// SPDX-License-Identifier: Apache-2.0
// Processes by descriptor instead of by number: a pidfd never comes to mean another process.

import { checked, libc } from "./libc.ts";

/** The same on every architecture. */
const numbers = { pidfdSendSignal: 424, pidfdOpen: 434 } as const;
const setChildSubreaper = 36; // PR_SET_CHILD_SUBREAPER

// SAFETY: integers only, and a null siginfo, which the call allows.
const pidfdOpenCall = libc.func("syscall", "long", ["long", "int", "uint"]);
const pidfdSendSignalCall = libc.func("syscall", "long", ["long", "int", "int", "void *", "uint"]);
// SAFETY: integers only; the unused arguments are zero, as prctl(2) demands.
const prctlCall = libc.func("prctl", "int", ["int", "ulong", "ulong", "ulong", "ulong"]);

/** A descriptor of the process, closed on exec; ESRCH when there is none. */
export function openPidfd(pid: number): number {
  return checked(pidfdOpenCall(numbers.pidfdOpen, pid, 0) as number, "pidfd_open", `process ${pid}`);
}

/** Sends the signal number to the process of the descriptor; ESRCH when it has ended. */
export function sendSignal(pidfd: number, number: number): void {
  const result = pidfdSendSignalCall(numbers.pidfdSendSignal, pidfd, number, null, 0) as number;
  checked(result, "pidfd_send_signal", `signal ${number}`);
}

/** Makes this process the parent of its descendants' orphans. */
export function becomeSubreaper(): void {
  checked(prctlCall(setChildSubreaper, 1, 0, 0, 0) as number, "prctl", "PR_SET_CHILD_SUBREAPER");
}
