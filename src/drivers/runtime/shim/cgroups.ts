// SPDX-License-Identifier: Apache-2.0
// The cgroups of a task: where its init was put, whether the OOM killer came by, and how to empty and remove them when
// the runtime cannot. Works on version 1, hybrid and version 2 trees; a path of "/" is never touched.

import { type Dirent, readFileSync } from "node:fs";
import { readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { hasCode, toEngineError } from "../../../base/errors.ts";
import { deadlineSignal, delay } from "../../../base/lifetime.ts";
import { sigkill } from "../../../base/posix-signal.ts";

/** Absolute directories by controller list, such as "memory" or "cpu,cpuacct"; "" is the version 2 tree. */
export type CgroupPaths = Readonly<Record<string, string>>;

interface Hierarchy {
  readonly controllers: string;
  readonly mountPoint: string;
}

let known: readonly Hierarchy[] | undefined;

/** The cgroup hierarchies that this process sees; read once, they do not move. */
function readHierarchies(): readonly Hierarchy[] {
  if (known !== undefined) return known;
  const hierarchies = new Map<string, Hierarchy>();
  for (const line of readFileSync("/proc/self/mountinfo", "utf8").split("\n")) {
    const [left = "", right = ""] = line.split(" - ", 2);
    const [, , , root, mountPoint] = left.split(" ");
    const [type, , options = ""] = right.split(" ");
    if (mountPoint === undefined || root !== "/" || (type !== "cgroup" && type !== "cgroup2")) continue;
    const controllers = type === "cgroup2" ? "" : options.split(",").filter(isController).join(",");
    if (!hierarchies.has(controllers)) hierarchies.set(controllers, { controllers, mountPoint });
  }
  known = [...hierarchies.values()];
  return known;
}

function isController(option: string): boolean {
  return option.startsWith("name=") || !/^(rw|ro|xattr|noprefix|clone_children|release_agent=.*)$/.test(option);
}

/** Where a process is now; nowhere when it has ended. */
export function cgroupsOfProcess(pid: number): CgroupPaths {
  const hierarchies = readHierarchies();
  const paths: Record<string, string> = {};
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/cgroup`, "utf8");
  } catch {
    return {};
  }
  for (const line of text.split("\n")) {
    const match = /^\d+:([^:]*):(\/.+)$/.exec(line);
    if (match === null) continue;
    const [, controllers = "", path = ""] = match;
    const hierarchy = hierarchies.find((candidate) => candidate.controllers === controllers);
    if (hierarchy !== undefined) paths[controllers] = join(hierarchy.mountPoint, path);
  }
  return paths;
}

/** Where a runtime puts a task with this cgroupsPath; none for a systemd name, which only systemd can resolve. */
export function cgroupsOfSpec(cgroupsPath: string | undefined): CgroupPaths {
  if (cgroupsPath === undefined || !/^\/[^/]/.test(cgroupsPath)) return {};
  const entries = readHierarchies().map((hierarchy) => [
    hierarchy.controllers,
    join(hierarchy.mountPoint, cgroupsPath),
  ]);
  return Object.fromEntries(entries) as CgroupPaths;
}

/** How many processes the OOM killer ended in the task's memory cgroup; 0 when that cannot be read. */
export async function readOomKills(paths: CgroupPaths): Promise<number> {
  const [, memory] = Object.entries(paths).find(([controllers]) => controllers.split(",").includes("memory")) ?? [];
  const unified = paths[""];
  const file =
    memory !== undefined
      ? join(memory, "memory.oom_control")
      : unified !== undefined
        ? join(unified, "memory.events")
        : undefined;
  if (file === undefined) return 0;
  try {
    return Number(/^oom_kill (\d+)$/m.exec(await readFile(file, "utf8"))?.[1] ?? 0);
  } catch (error) {
    if (hasCode(error, "not-found") || (error as NodeJS.ErrnoException).code === "ENODEV") return 0; // removed already
    throw toEngineError(error, `read ${file}`);
  }
}

/** Kills every process in the cgroups and removes them; whatever is gone already is fine. */
export async function removeCgroups(paths: CgroupPaths, { signal }: { readonly signal: AbortSignal }): Promise<void> {
  const deadline = AbortSignal.any([signal, deadlineSignal(5_000, "emptying a cgroup")]);
  for (const path of Object.values(paths)) {
    for (let pause = 1; ; pause = Math.min(2 * pause, 50)) {
      await killAll(path);
      if (await removeTree(path)) break;
      await delay(pause, { signal: deadline });
    }
  }
}

async function killAll(path: string): Promise<void> {
  // A frozen cgroup of version 1 does not see SIGKILL until it thaws.
  await writeFile(join(path, "freezer.state"), "THAWED").catch(() => {}); // only there in one hierarchy
  for (const directory of await listTree(path)) {
    const text = await readFile(join(directory, "cgroup.procs"), "utf8").catch(() => ""); // removed meanwhile
    for (const pid of text.split("\n").map(Number)) {
      if (pid <= 0) continue;
      try {
        process.kill(pid, sigkill);
      } catch {
        // It has ended meanwhile.
      }
    }
  }
}

/** Removes a cgroup and those below it; false while one is in use. */
async function removeTree(path: string): Promise<boolean> {
  for (const directory of (await listTree(path)).toReversed()) {
    try {
      await rmdir(directory);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EBUSY") return false;
      if (code !== "ENOENT") throw toEngineError(error, `remove cgroup ${directory}`);
    }
  }
  return true;
}

/** The cgroup and all below it, parents first; empty when it is not there. */
async function listTree(path: string): Promise<readonly string[]> {
  let entries: readonly Dirent[];
  try {
    entries = await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (hasCode(error, "not-found")) return [];
    throw toEngineError(error, `list cgroup ${path}`);
  }
  const below = await Promise.all(
    entries.filter((entry) => entry.isDirectory()).map((entry) => listTree(join(path, entry.name))),
  );
  return [path, ...below.flat()];
}
