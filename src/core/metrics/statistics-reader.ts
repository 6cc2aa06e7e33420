// SPDX-License-Identifier: Apache-2.0
// The seam to where statistics come from. Nothing is kept and nothing runs between calls: each answer is the kernel's of
// that moment. What is gone is undefined, for containers end while they are looked at; it is never an error.

import type { CgroupDirectories } from "../tasks/task-runtime.ts";
import type {
  CgroupStatistics,
  FilesystemStatistics,
  InterfaceStatistics,
  ProcessStatistics,
  StatisticsDetail,
} from "./statistics.ts";

/** Reads what the machine counts. */
export interface StatisticsReader {
  /** undefined when there is no such cgroup. */
  readCgroup(
    cgroups: CgroupDirectories,
    options: { readonly detail: StatisticsDetail; readonly signal: AbortSignal },
  ): Promise<CgroupStatistics | undefined>;
  /** Where the cgroup with this parent's name lies: a path from the hierarchy's root, or a systemd slice. */
  findCgroup(cgroupParent: string): CgroupDirectories;
  /** Looks at each process of the cgroup and those below it; undefined when there is none. */
  readProcesses(
    cgroups: CgroupDirectories,
    options: { readonly signal: AbortSignal },
  ): Promise<ProcessStatistics | undefined>;
  /** The interfaces of pinned network namespaces by their paths, without loopback; those that are gone are left out. */
  readNetworks(
    namespacePaths: readonly string[],
    options: { readonly signal: AbortSignal },
  ): Promise<ReadonlyMap<string, readonly InterfaceStatistics[]>>;
  /** The file system that a directory lies on. */
  readFilesystem(directory: string, options: { readonly signal: AbortSignal }): Promise<FilesystemStatistics>;
}
