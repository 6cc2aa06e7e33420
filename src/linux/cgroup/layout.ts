// SPDX-License-Identifier: Apache-2.0
// How this machine's control groups are laid out: version 1 (one hierarchy a controller), version 2 (one for all), or
// hybrid (version 1 with an empty version 2 hierarchy beside it).

import { readFile } from "node:fs/promises";
import path from "node:path";
import { isWithin, type MountEntry, parseMountInfo } from "../mount/mountinfo.ts";

/** A mounted hierarchy. */
export interface CgroupHierarchy {
  /** As /proc/<pid>/cgroup names it: "cpu,cpuacct", "name=systemd", "" for version 2. */
  readonly name: string;
  readonly mountPoint: string;
  /** The cgroup that is mounted there: "/" but where this process sees only a part of the hierarchy. */
  readonly root: string;
  /** Version 1: the controllers mounted here, none for a named hierarchy such as systemd's. Version 2: all of them. */
  readonly controllers: readonly string[];
  /** The cgroup of this process, from the hierarchy's root. */
  readonly ownPath: string;
}

/** All that must be known to find a container's cgroup. */
export interface CgroupLayout {
  /** The version that has the controllers. */
  readonly version: 1 | 2;
  /** Version 1 with a version 2 hierarchy beside it. */
  readonly hybrid: boolean;
  /** Those where a container gets a cgroup of its own; on version 2 one. The version 2 part of a hybrid comes last. */
  readonly hierarchies: readonly CgroupHierarchy[];
  readonly controllers: readonly string[];
}

const unified = "cgroup2";
/** Options of a version 1 hierarchy that are not controllers. */
const notControllers = new Set(["rw", "ro", "xattr", "noprefix", "clone_children", "cpuset_v2_mode", "favordynmods"]);

/** Reads the layout from the kernel. */
export async function readCgroupLayout(): Promise<CgroupLayout> {
  const [mounts, own] = await Promise.all([
    readFile("/proc/self/mountinfo", "utf8"),
    readFile("/proc/self/cgroup", "utf8"),
  ]);
  const entries = parseMountInfo(mounts);
  const unifiedMount = entries.find((entry) => entry.type === unified)?.mountPoint;
  const unifiedControllers = unifiedMount === undefined ? "" : await readControllers(unifiedMount);
  return cgroupLayoutOf(entries, own, unifiedControllers);
}

async function readControllers(mountPoint: string): Promise<string> {
  return await readFile(path.join(mountPoint, "cgroup.controllers"), "utf8");
}

/** The layout that the mounts, /proc/self/cgroup and the version 2 root's cgroup.controllers describe. */
export function cgroupLayoutOf(
  mounts: readonly MountEntry[],
  ownCgroups: string,
  unifiedControllers: string,
): CgroupLayout {
  const own = parseCgroups(ownCgroups);
  const v1 = uniqueMounts(mounts, "cgroup").map((entry): CgroupHierarchy => {
    const controllers = entry.superOptions.filter((option) => !notControllers.has(option) && !option.includes("="));
    const name = entry.superOptions.find((option) => option.startsWith("name="));
    return hierarchyAt(entry, own, { name: controllers.join(",") || (name ?? ""), controllers });
  });
  const version = v1.some((hierarchy) => hierarchy.controllers.length > 0) ? 1 : 2;
  const v2 = uniqueMounts(mounts, unified).map((entry): CgroupHierarchy => {
    // On a hybrid machine runtimes leave what controllers the version 2 hierarchy has alone.
    const controllers = version === 2 ? unifiedControllers.trim().split(/\s+/).filter(Boolean) : [];
    return hierarchyAt(entry, own, { name: "", controllers });
  });
  const hierarchies = version === 1 ? [...v1, ...v2] : v2;
  return {
    version,
    hybrid: version === 1 && v2.length > 0,
    hierarchies,
    controllers: hierarchies.flatMap((hierarchy) => hierarchy.controllers),
  };
}

/** Mounts of the type, one for each hierarchy: the same may be mounted in several places. */
function uniqueMounts(mounts: readonly MountEntry[], type: string): readonly MountEntry[] {
  const found = new Map<string, MountEntry>();
  for (const entry of mounts) {
    const key = type === unified ? "" : [...entry.superOptions].sort().join(",");
    if (entry.type === type && !found.has(key)) found.set(key, entry);
  }
  return [...found.values()];
}

function hierarchyAt(
  { mountPoint, root }: MountEntry,
  own: ReadonlyMap<string, string>,
  { name, controllers }: { readonly name: string; readonly controllers: readonly string[] },
): CgroupHierarchy {
  return { name, mountPoint, root, controllers, ownPath: pathBelowRoot(root, pathIn(own, name)) };
}

/** A container may see only its own part of a hierarchy: the mount's root is then taken off the path. */
function pathBelowRoot(root: string, cgroup: string): string {
  if (root === "/" || !isWithin(cgroup, root)) return cgroup;
  return path.join("/", path.relative(root, cgroup));
}

/** The kernel may list joined controllers in another order than the mount does: any of them will do. */
function pathIn(cgroups: ReadonlyMap<string, string>, name: string): string {
  return cgroups.get(name.split(",")[0] ?? "") ?? "/";
}

/** Lines "id:controllers:path"; version 2 has no controllers, a named hierarchy "name=…". */
function parseCgroups(text: string): ReadonlyMap<string, string> {
  const paths = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [, controllers, ...rest] = line.split(":");
    if (controllers === undefined) continue;
    for (const controller of controllers.split(",")) paths.set(controller, rest.join(":"));
  }
  return paths;
}

/** The daemon's own cgroup: on version 2 the only one, on version 1 that of the memory controller, or the first. */
export function ownCgroupPath(layout: CgroupLayout): string {
  const hierarchy = hierarchyOf(layout, "memory") ?? layout.hierarchies[0];
  return hierarchy?.ownPath ?? "/";
}

/** The hierarchy that has the controller. */
export function hierarchyOf(layout: CgroupLayout, controller: string): CgroupHierarchy | undefined {
  return layout.hierarchies.find((hierarchy) => hierarchy.controllers.includes(controller));
}

/** The directories of one cgroup, by the names of their hierarchies: plain data that a record can keep. */
export type CgroupDirectories = Readonly<Record<string, string>>;

/** Where a runtime puts a container with this cgroupsPath; nowhere for a name that only systemd can resolve. */
export function directoriesOfPath(layout: CgroupLayout, cgroupsPath: string): CgroupDirectories {
  return path.isAbsolute(cgroupsPath) ? directoriesIn(layout, () => cgroupsPath) : {};
}

/** Where the process is whose /proc/<pid>/cgroup this is. */
export function directoriesOfProcess(layout: CgroupLayout, ownCgroups: string): CgroupDirectories {
  const cgroups = parseCgroups(ownCgroups);
  return directoriesIn(layout, ({ name, root }) => pathBelowRoot(root, pathIn(cgroups, name)));
}

/** Never the daemon's own cgroup or one above it: where a runtime has made none for a container, its init stays there. */
function directoriesIn(layout: CgroupLayout, pathOf: (hierarchy: CgroupHierarchy) => string): CgroupDirectories {
  const directories: Record<string, string> = {};
  for (const hierarchy of layout.hierarchies) {
    const cgroup = path.resolve("/", pathOf(hierarchy));
    if (isWithin(hierarchy.ownPath, cgroup)) continue;
    directories[hierarchy.name] = path.join(hierarchy.mountPoint, cgroup);
  }
  return directories;
}
