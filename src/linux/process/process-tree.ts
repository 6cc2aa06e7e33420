// SPDX-License-Identifier: Apache-2.0
// Ending a process with all that it started.

import { readdirSync, readFileSync } from "node:fs";
import { toEngineError } from "../../base/errors.ts";
import { hasErrno, ifThereSync } from "../../host/files/errno.ts";

/**
 * Signals a process, all others of its process group, and its descendants, which may have groups of their own; false when
 * it has ended. The group need not be led by it: the leader may be a helper of the runtime's that ended. A process that
 * is still in the session of its parent shares its group with who started it: then its group is left alone.
 */
export function killProcessTree(root: number, posixSignal: number): boolean {
  // 0 and 1 would mean our own group and everybody.
  if (root <= 1) return false;
  const ids = [root, ...descendantsOf(root)];
  const group = ownGroupOf(root);
  // The group first: what is forked meanwhile is in it.
  const found = [...(group === undefined ? [] : [-group]), ...ids].map((id) => signal(id, posixSignal));
  return found.includes(true);
}

/** Read without a pause before the signal, so that the number does not change hands. */
function ownGroupOf(id: number): number | undefined {
  const self = statusOf(id);
  if (self === undefined || self.group <= 1) return undefined;
  return self.session === statusOf(self.parent)?.session ? undefined : self.group;
}

interface ProcessStatus {
  readonly parent: number;
  readonly group: number;
  readonly session: number;
}

/** By proc(5): the command's name may hold spaces and parentheses itself, so fields count from the last ")". */
function statusOf(id: number): ProcessStatus | undefined {
  const text = readIfThere(`/proc/${id}/stat`);
  if (text === undefined) return undefined;
  const [, parent, group, session] = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return { parent: Number(parent), group: Number(group), session: Number(session) };
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
    (readIfThere(`${directory}/${thread}/children`) ?? "").split(" ").filter((id) => id !== ""),
  );
  return children.map(Number).flatMap((child) => [child, ...descendantsOf(child)]);
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "latin1");
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ESRCH")) return undefined;
    throw toEngineError(error, `read ${file}`);
  }
}
