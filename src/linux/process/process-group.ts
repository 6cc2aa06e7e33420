// SPDX-License-Identifier: Apache-2.0

import { toEngineError } from "../../base/errors.ts";
import { hasErrno } from "../../host/files/errno.ts";

/** Signals all processes of the group that this process leads (kill(2) with a negative id); false when there is none. */
export function killProcessGroup(leader: number, posixSignal: number): boolean {
  // 0 and 1 would mean our own group and everybody.
  if (leader <= 1) return false;
  try {
    process.kill(-leader, posixSignal);
    return true;
  } catch (error) {
    if (hasErrno(error, "ESRCH")) return false;
    throw toEngineError(error, `signal process group ${leader}`);
  }
}
