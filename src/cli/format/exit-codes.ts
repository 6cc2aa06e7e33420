// SPDX-License-Identifier: Apache-2.0
// Exit codes of the command as docker's users know them. A container's own code goes through unchanged, and so does the
// 128+n of one that a signal ended.

import { messageOf } from "../../base/errors.ts";

/** The command failed. */
export const failureExit = 1;
/** Of run, create, start and exec: the engine failed or the command line is wrong. */
export const engineFailureExit = 125;
/** Of run, start and exec: the program is there but cannot be run. */
const notExecutableExit = 126;
/** Of run, start and exec: the program is not there. */
const notFoundExit = 127;

const notFoundTexts = ["executable file not found", "no such file or directory"];
const notExecutableTexts = ["permission denied", "is a directory"];

/** The code after a container or an exec could not be started: 125, 126 or 127, by what the message says. */
export function startFailureExit(error: unknown): number {
  const message = messageOf(error);
  if (notFoundTexts.some((text) => message.includes(text))) return notFoundExit;
  if (notExecutableTexts.some((text) => message.includes(text))) return notExecutableExit;
  return engineFailureExit;
}

/** The code of a process that this signal number ended. */
export function signalExit(posixSignal: number): number {
  return 128 + posixSignal;
}
