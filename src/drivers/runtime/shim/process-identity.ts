// SPDX-License-Identifier: Apache-2.0
// Processes that are not our children, known by number and start time, so that a reused number is not mistaken for them.

import { readdir, readFile, readlink } from "node:fs/promises";
import { deadlineSignal, delay } from "../../../base/lifetime.ts";
import { sigkill } from "../../../base/posix-signal.ts";

export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks after boot, field 22 of /proc/<pid>/stat. */
  readonly startTime: string;
}

/** The process that has this number now; undefined when there is none, or only its zombie. */
export async function identifyProcess(pid: number): Promise<ProcessIdentity | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, "utf8");
    // The name in parentheses may hold anything; what follows its last parenthesis starts with field 3, the state.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    const [state] = fields;
    const startTime = fields[19];
    return state === "Z" || state === "X" || startTime === undefined ? undefined : { pid, startTime };
  } catch {
    return undefined; // it has ended
  }
}

export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  return (await identifyProcess(identity.pid))?.startTime === identity.startTime;
}

/** Waits for its end; true when it ended in time. */
export async function waitForEnd(identity: ProcessIdentity, milliseconds: number): Promise<boolean> {
  const signal = deadlineSignal(milliseconds, "waiting for a process");
  for (let pause = 1; await isAlive(identity); pause = Math.min(2 * pause, 20)) {
    if (signal.aborted) return false;
    await delay(pause, { signal }).catch(() => {}); // the loop looks once more and sees that time is up
  }
  return true;
}

/** Kills it if it is there still, and waits until it is gone. */
export async function killProcess(identity: ProcessIdentity): Promise<void> {
  if (!(await isAlive(identity))) return;
  try {
    process.kill(identity.pid, sigkill);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
  await waitForEnd(identity, 5_000);
}

/** The processes whose working directory is this one, also when it has been removed since. */
export async function processesIn(directory: string): Promise<readonly ProcessIdentity[]> {
  const numbers = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    numbers.map(async (name) => {
      const path = await readlink(`/proc/${name}/cwd`).catch(() => ""); // ended, or a kernel thread
      return path.replace(/ \(deleted\)$/, "") === directory ? await identifyProcess(Number(name)) : undefined;
    }),
  );
  return found.filter((identity) => identity !== undefined);
}
