// SPDX-License-Identifier: Apache-2.0
// Ending a process with all that it started.

import { readdirSync, readFileSync } from "node:fs";
import { toEngineError } from "../../base/errors.ts";
import { hasErrno, ifThereSync } from "../../host/files/errno.ts";

/**
 * Signals a process, its process group when it leads one (kill(2) with a negative id), and its descendants, which may
 * have groups of their own; false when there was nothing to signal.
 */
export function killProcessTree(root: number, posixSignal: number): boolean {
  // 0 and 1 would mean our own group and everybody.
  if (root <= 1) return false;
  const ids = [root, ...descendantsOf(root)];
  // The group first: what is forked meanwhile is in it. Not the group of whoever started it.
  const found = [-root, ...ids].map((id) => signal(id, posixSignal));
  return found.includes(true);
}

function signal(id: number, posixSignal: number): boolean {
  try {
    process.kill(id, posixSignal);
    return true;
  } catch (error) {
    if (hasErrno(error, "ESRCH")) return false;
    throw toEngineError(error, `signal process ${id}`);
  }
}

/** By proc(5): /proc/<pid>/task/<tid>/children. What has lost its parent meanwhile is not found. */
function descendantsOf(parent: number): readonly number[] {
  const directory = `/proc/${parent}/task`;
  const threads = ifThereSync(() => readdirSync(directory)) ?? [];
  const children = threads.flatMap((thread) =>
    (readChildren(`${directory}/${thread}/children`) ?? "").split(" ").filter((id) => id !== ""),
  );
  return children.map(Number).flatMap((child) => [child, ...descendantsOf(child)]);
}

function readChildren(file: string): string | undefined {
  try {
    return readFileSync(file, "latin1");
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ESRCH")) return undefined;
    throw toEngineError(error, `read ${file}`);
  }
}
