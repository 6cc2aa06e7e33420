// SPDX-License-Identifier: Apache-2.0
// What exit code a container gets whose process never ran: the shells' convention, which docker run keeps.

import { messageOf } from "../../../base/errors.ts";

/** What it is when nothing better is known. */
export const otherFailure = 128;

/** 127 command not found, 126 not executable, 128 anything else. */
export function startFailureExitCode(error: unknown): number {
  const message = messageOf(error);
  if (/executable file not found|no such file or directory/.test(message)) return 127;
  if (/permission denied|is a directory|exec format error/.test(message)) return 126;
  return otherFailure;
}
