// SPDX-License-Identifier: Apache-2.0
// Which signals that reach the command are passed on to the container (--sig-proxy).

import { constants } from "node:os";
import process from "node:process";

/**
 * Not passed on: SIGKILL and SIGSTOP cannot be caught; SIGCHLD, SIGPIPE and SIGURG are about this process; SIGWINCH is
 * answered by a resize (web servers take it as a request to stop); faults are ours, and a handler would loop; SIGPROF
 * belongs to the profiler.
 */
const notProxied: ReadonlySet<string> = new Set([
  "SIGKILL",
  "SIGSTOP",
  "SIGCHLD",
  "SIGPIPE",
  "SIGURG",
  "SIGWINCH",
  "SIGSEGV",
  "SIGBUS",
  "SIGFPE",
  "SIGILL",
  "SIGPROF",
]);
/** Names of the same number; the first one is the usual one. */
const aliases: ReadonlySet<string> = new Set(["SIGIOT", "SIGPOLL", "SIGUNUSED"]);

/** The signals that are passed on, by name. */
export const proxiedSignals: readonly NodeJS.Signals[] = (Object.keys(constants.signals) as NodeJS.Signals[]).filter(
  (name) => !notProxied.has(name) && !aliases.has(name),
);

/** Calls back for each signal that should reach the container, until it is disposed of. */
export function onProxiedSignal(forward: (name: NodeJS.Signals) => void): Disposable {
  for (const name of proxiedSignals) process.on(name, forward);
  return {
    [Symbol.dispose]() {
      for (const name of proxiedSignals) process.off(name, forward);
    },
  };
}
