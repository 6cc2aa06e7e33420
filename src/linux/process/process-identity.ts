// SPDX-License-Identifier: Apache-2.0
// Telling a process from another that got its number later. An identity is plain data that a record can keep; what is
// done to a process by its identity is done to that process or to none.

import { readdir, readFile, readlink } from "node:fs/promises";
import { deadlineSignal } from "../../base/lifetime.ts";
import { sigkill } from "../../base/posix-signal.ts";
import { hasErrno } from "../../host/files/errno.ts";
import { openProcess, type ProcessHandle } from "./pidfd.ts";

/** Names one process for ever, until the next boot. */
export interface ProcessIdentity {
  readonly pid: number;
  /** In clock ticks since boot. */
  readonly startTime: number;
}

/** A process as /proc shows it. */
export interface ProcessState extends ProcessIdentity {
  readonly parent: number;
  /** "R", "S", "Z"… (proc(5)). */
  readonly state: string;
}

/** How long a process that was killed may take to end. */
const killDeadlineMs = 5_000;

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

/** The process that has this number now; undefined when there is none, or only its zombie. */
export async function identifyProcess(pid: number): Promise<ProcessIdentity | undefined> {
  const found = await findProcess(pid);
  if (found === undefined || found.state === "Z" || found.state === "X") return undefined;
  return { pid, startTime: found.startTime };
}

/** Opens the very process; undefined when it has ended. */
async function openIdentified({ pid, startTime }: ProcessIdentity): Promise<ProcessHandle | undefined> {
  const handle = openProcess(pid);
  if (handle === undefined) return undefined;
  // Whoever has the number after the descriptor was opened is the one that the descriptor means, or came later still.
  if ((await identifyProcess(pid))?.startTime === startTime) return handle;
  handle[Symbol.dispose]();
  return undefined;
}

/** Waits for its end; false when it goes on for longer than so many milliseconds. */
export async function waitForEnd(identity: ProcessIdentity, milliseconds: number): Promise<boolean> {
  using handle = await openIdentified(identity);
  return handle === undefined || (await endsWithin(handle, milliseconds));
}

/** Kills it and waits for its end; false when even that takes too long. Nothing happens when it has ended. */
export async function killProcess(identity: ProcessIdentity): Promise<boolean> {
  using handle = await openIdentified(identity);
  if (handle === undefined || !handle.kill(sigkill)) return true;
  return await endsWithin(handle, killDeadlineMs);
}

async function endsWithin(handle: ProcessHandle, milliseconds: number): Promise<boolean> {
  const deadline = deadlineSignal(milliseconds, "the end of a process");
  try {
    await handle.ended({ signal: deadline });
    return true;
  } catch (error) {
    if (deadline.aborted) return false;
    throw error;
  }
}

/** The processes whose working directory is this one, also when it has been removed since. */
export async function processesWorkingIn(directory: string): Promise<readonly ProcessIdentity[]> {
  const numbers = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    numbers.map(async (name) => {
      const path = await readlink(`/proc/${name}/cwd`).catch(() => ""); // ended, or a kernel thread
      return path.replace(/ \(deleted\)$/, "") === directory ? await identifyProcess(Number(name)) : undefined;
    }),
  );
  return found.filter((identity) => identity !== undefined);
}
