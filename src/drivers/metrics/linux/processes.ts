// SPDX-License-Identifier: Apache-2.0
// Looks at the processes of a cgroup one by one. A process with many files is looked at in slices, so that the daemon
// goes on answering.

import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import type { ProcessStatistics } from "../../../core/metrics/statistics.ts";
import type { CgroupDirectories } from "../../../core/tasks/task-runtime.ts";
import { hasErrno } from "../../../host/files/errno.ts";
import { readProcessIds } from "../../../linux/cgroup/process-ids.ts";
import { directoryOf } from "./cgroup-v1.ts";
import type { TimeSlice } from "./time-slice.ts";

/** undefined when the cgroup is gone or empty. */
export async function readProcesses(
  cgroups: CgroupDirectories,
  slice: TimeSlice,
  { signal }: { readonly signal: AbortSignal },
): Promise<ProcessStatistics | undefined> {
  // The same processes are in each hierarchy.
  const directory = directoryOf(cgroups, "memory") ?? cgroups[""] ?? Object.values(cgroups)[0];
  if (directory === undefined) return undefined;
  const pids = readProcessIds(directory).toSorted((a, b) => a - b);
  const [first] = pids;
  if (first === undefined) return undefined;
  let fileDescriptors = 0;
  let sockets = 0;
  for (const pid of pids) {
    for (const descriptor of descriptorsOf(pid)) {
      fileDescriptors++;
      if (isSocket(pid, descriptor)) sockets++;
      await slice.rest({ signal });
    }
  }
  const openFilesLimit = readOpenFilesLimit(first);
  return {
    processes: pids.length,
    fileDescriptors,
    sockets,
    ...(openFilesLimit !== undefined && { openFilesLimit }),
  };
}

function descriptorsOf(pid: number): readonly string[] {
  return unlessGone(() => readdirSync(`/proc/${pid}/fd`)) ?? [];
}

function isSocket(pid: number, descriptor: string): boolean {
  return unlessGone(() => readlinkSync(`/proc/${pid}/fd/${descriptor}`))?.startsWith("socket:") ?? false;
}

function readOpenFilesLimit(pid: number): number | undefined {
  const limits = unlessGone(() => readFileSync(`/proc/${pid}/limits`, "utf8"));
  const soft = limits === undefined ? undefined : /^Max open files +(\d+) /m.exec(limits)?.[1];
  return soft === undefined ? undefined : Number(soft);
}

/** A process may end at any moment. */
function unlessGone<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ESRCH", "EACCES")) return undefined;
    throw error;
  }
}
