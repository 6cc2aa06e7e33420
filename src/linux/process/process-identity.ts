// SPDX-License-Identifier: Apache-2.0
// Telling a process from another that got its number later.

import { readFile } from "node:fs/promises";
import { hasErrno } from "../../host/files/errno.ts";

export interface ProcessState {
  readonly pid: number;
  readonly parent: number;
  /** "R", "S", "Z"… (proc(5)). */
  readonly state: string;
  /** In clock ticks since boot: together with the pid it names one process for ever, until the next boot. */
  readonly startTime: number;
}

/** Reads /proc/<pid>/stat; undefined when there is no such process. */
export async function findProcess(pid: number): Promise<ProcessState | undefined> {
  try {
    return parseProcessState(await readFile(`/proc/${pid}/stat`, "utf8"));
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ESRCH")) return undefined;
    throw error;
  }
}

/** The command's name stands in parentheses and may hold spaces and parentheses itself: fields count from the last ")". */
export function parseProcessState(text: string): ProcessState {
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [state = "", parent] = fields;
  return { pid: Number.parseInt(text, 10), parent: Number(parent), state, startTime: Number(fields[19]) };
}

/** Whether the process that had this number and start time still runs; a zombie does not. */
export async function isSameProcessRunning(pid: number, startTime: number): Promise<boolean> {
  const found = await findProcess(pid);
  return found !== undefined && found.startTime === startTime && found.state !== "Z" && found.state !== "X";
}
