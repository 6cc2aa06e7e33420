// SPDX-License-Identifier: Apache-2.0
// The cgroup of a task: where its init was put, whether the OOM killer came by, and its end where the runtime cannot do it.

import { readFileSync } from "node:fs";
import { toEngineError } from "../../../base/errors.ts";
import { hasErrno } from "../../../host/files/errno.ts";
import { Cgroup } from "../../../linux/cgroup/cgroup.ts";
import {
  type CgroupDirectories,
  type CgroupLayout,
  directoriesOfPath,
  directoriesOfProcess,
} from "../../../linux/cgroup/layout.ts";
import type { TaskRecord } from "./bundle.ts";

type CgroupRecord = Pick<TaskRecord, "id" | "cgroups" | "cgroupsPath">;

/** Where a process is now; nowhere when it has ended. Synchronous, as all on the way to a start is (see bundle.ts). */
export function cgroupsOfProcess(layout: CgroupLayout, pid: number): CgroupDirectories {
  try {
    return directoriesOfProcess(layout, readFileSync(`/proc/${pid}/cgroup`, "utf8"));
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ESRCH")) return {};
    throw toEngineError(error, `find the cgroup of process ${pid}`);
  }
}

/** Whether the OOM killer ended one of the task's processes; false when the cgroup is gone. */
export async function isOomKilled(layout: CgroupLayout, record: CgroupRecord): Promise<boolean> {
  try {
    return ((await cgroupOf(layout, record).oomKills()) ?? 0) > 0;
  } catch (error) {
    throw toEngineError(error, `read the out-of-memory kills of ${record.id}`);
  }
}

/** Kills every process in the task's cgroup and removes it; whatever is gone already is fine. */
export async function removeTaskCgroup(
  layout: CgroupLayout,
  record: CgroupRecord,
  options: { readonly signal: AbortSignal },
): Promise<void> {
  const cgroup = cgroupOf(layout, record);
  try {
    await cgroup.kill(options);
    await cgroup.remove(options);
  } catch (error) {
    throw toEngineError(error, `remove the cgroup of ${record.id}`);
  }
}

function cgroupOf(layout: CgroupLayout, record: CgroupRecord): Cgroup {
  return new Cgroup(taskCgroups(layout, record));
}

/** What was seen of init counts before what the specification says: a runtime may use other places under systemd. */
export function taskCgroups(
  layout: CgroupLayout,
  { cgroups, cgroupsPath }: Omit<CgroupRecord, "id">,
): CgroupDirectories {
  const asked = cgroupsPath === undefined ? {} : directoriesOfPath(layout, cgroupsPath);
  return { ...asked, ...cgroups };
}
