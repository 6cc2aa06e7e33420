// SPDX-License-Identifier: Apache-2.0
// A process that cannot be mistaken for another: signals go to it or to nobody, and its end is seen without polling, also
// where it is no child of ours.

import { raceSignal } from "../../base/lifetime.ts";
import type { PosixSignal } from "../../base/posix-signal.ts";
import { hasErrno } from "../../host/files/errno.ts";
import { closeDescriptor } from "../ffi/libc.ts";
import { onProcessEnd, openPidfd, sendSignal } from "../ffi/process.ts";

/** An open process; disposing closes the descriptor, the process goes on. */
export interface ProcessHandle extends Disposable {
  /** False when the process had ended. */
  kill(posixSignal: PosixSignal): boolean;
  /** Resolves when the process has ended, be it reaped or not. */
  ended(options: { readonly signal: AbortSignal }): Promise<void>;
}

/** Opens a process by its number; undefined when there is none. */
export function openProcess(pid: number): ProcessHandle | undefined {
  const descriptor = unlessGone(() => openPidfd(pid));
  if (descriptor === undefined) return undefined;
  return {
    kill: (posixSignal) =>
      unlessGone(() => {
        sendSignal(descriptor, posixSignal);
        return true;
      }) ?? false,
    async ended({ signal }) {
      const { promise, resolve } = Promise.withResolvers<void>();
      using _watch = onProcessEnd(descriptor, resolve);
      await raceSignal(promise, signal);
    },
    [Symbol.dispose]: () => closeDescriptor(descriptor),
  };
}

function unlessGone<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    if (hasErrno(error, "ESRCH")) return undefined;
    throw error;
  }
}
