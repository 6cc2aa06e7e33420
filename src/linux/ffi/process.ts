// SPDX-License-Identifier: Apache-2.0
// Processes by descriptor instead of by number: a pidfd never comes to mean another process.

import koffi from "koffi";
import { checked, libc } from "./libc.ts";

/** The same on every architecture. */
const numbers = { pidfdSendSignal: 424, pidfdOpen: 434 } as const;

// SAFETY: integers only, and a null siginfo, which the call allows.
const pidfdOpenCall = libc.func("syscall", "long", ["long", "int", "uint"]);
const pidfdSendSignalCall = libc.func("syscall", "long", ["long", "int", "int", "void *", "uint"]);

/** A descriptor of the process, closed on exec; ESRCH when there is none. */
export function openPidfd(pid: number): number {
  return checked(pidfdOpenCall(numbers.pidfdOpen, pid, 0) as number, "pidfd_open", `process ${pid}`);
}

/** Sends the signal number to the process of the descriptor; ESRCH when it has ended. */
export function sendSignal(pidfd: number, number: number): void {
  const result = pidfdSendSignalCall(numbers.pidfdSendSignal, pidfd, number, null, 0) as number;
  checked(result, "pidfd_send_signal", `signal ${number}`);
}

/** Calls back once, when the process of the descriptor has ended; dispose the result to stop listening. Holds no thread. */
export function onProcessEnd(pidfd: number, callback: () => void): Disposable {
  // SAFETY: the caller keeps the descriptor open until the handle is closed, here or by disposing.
  const handle = koffi.node.poll(pidfd, { readable: true }, () => {
    handle.stop();
    callback();
  });
  return { [Symbol.dispose]: () => handle.close() };
}
