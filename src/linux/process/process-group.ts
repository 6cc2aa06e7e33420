// SPDX-License-Identifier: Apache-2.0

import { readFileSync } from "node:fs";
import { toEngineError } from "../../base/errors.ts";
import { hasErrno } from "../../host/files/errno.ts";

/**
 * Signals a process and all others of its process group; false when it has ended. The group need not be led by it: the
 * leader may be a helper that ended. A process that is still in our own session shares its group with who started it:
 * then it alone is signalled.
 */
export function killProcessGroup(pid: number, posixSignal: number): boolean {
  try {
    const [group, session] = groupAndSession(String(pid));
    const [, ownSession] = groupAndSession("self");
    // 0 and 1 would mean our own group and everybody.
    const hasOwnGroup = group > 1 && session !== ownSession;
    process.kill(hasOwnGroup ? -group : pid, posixSignal);
    return true;
  } catch (error) {
    if (hasErrno(error, "ESRCH", "ENOENT")) return false;
    throw toEngineError(error, `signal the process group of ${pid}`);
  }
}

/**
 * The command's name may hold spaces and parentheses itself: fields count from the last ")". Read without a pause before
 * the signal, so that the number does not change hands.
 */
function groupAndSession(pid: string): readonly [group: number, session: number] {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  const [, , group, session] = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return [Number(group), Number(session)];
}
