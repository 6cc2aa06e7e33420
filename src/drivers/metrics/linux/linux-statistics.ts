// SPDX-License-Identifier: Apache-2.0
// Statistics as Linux counts them: from the files of cgroups, of /proc, and of network namespaces.

import { statfs } from "node:fs/promises";
import { toEngineError } from "../../../base/errors.ts";
import type {
  CgroupStatistics,
  FilesystemStatistics,
  InterfaceStatistics,
  ProcessStatistics,
  StatisticsDetail,
} from "../../../core/metrics/statistics.ts";
import type { StatisticsReader } from "../../../core/metrics/statistics-reader.ts";
import type { CgroupDirectories } from "../../../core/tasks/task-runtime.ts";
import { type CgroupLayout, readCgroupLayout } from "../../../linux/cgroup/layout.ts";
import { directoriesOfParent } from "../../../linux/cgroup/slice.ts";
import type { NamespaceThread } from "../../../linux/namespaces/namespace-thread.ts";
import { readVersion1 } from "./cgroup-v1.ts";
import { readVersion2 } from "./cgroup-v2.ts";
import { readProcesses } from "./processes.ts";
import { TimeSlice } from "./time-slice.ts";

export interface LinuxStatisticsDependencies {
  /** Its owner's; it looks into network namespaces. */
  readonly namespaceThread: Pick<NamespaceThread, "readInterfaces">;
}

/** Opens the statistics of this machine. There is nothing to close. */
export async function openLinuxStatistics(dependencies: LinuxStatisticsDependencies): Promise<StatisticsReader> {
  try {
    return new LinuxStatistics(await readCgroupLayout(), dependencies);
  } catch (error) {
    throw toEngineError(error, "cannot find the cgroups of this machine");
  }
}

class LinuxStatistics implements StatisticsReader {
  readonly #layout: CgroupLayout;
  readonly #thread: LinuxStatisticsDependencies["namespaceThread"];
  readonly #slice = new TimeSlice();

  constructor(layout: CgroupLayout, dependencies: LinuxStatisticsDependencies) {
    this.#layout = layout;
    this.#thread = dependencies.namespaceThread;
  }

  async readCgroup(
    cgroups: CgroupDirectories,
    { detail, signal }: { readonly detail: StatisticsDetail; readonly signal: AbortSignal },
  ): Promise<CgroupStatistics | undefined> {
    signal.throwIfAborted();
    await this.#slice.rest({ signal });
    try {
      if (this.#layout.version === 1) return readVersion1(cgroups, detail);
      const unified = cgroups[""];
      return unified === undefined ? undefined : readVersion2(unified, detail);
    } catch (error) {
      throw toEngineError(error, `read the statistics of ${Object.values(cgroups)[0]}`);
    }
  }

  findCgroup(cgroupParent: string): CgroupDirectories {
    return directoriesOfParent(this.#layout, cgroupParent);
  }

  async readProcesses(
    cgroups: CgroupDirectories,
    options: { readonly signal: AbortSignal },
  ): Promise<ProcessStatistics | undefined> {
    try {
      return await readProcesses(cgroups, this.#slice, options);
    } catch (error) {
      throw toEngineError(error, `look at the processes of ${Object.values(cgroups)[0]}`);
    }
  }

  async readNetworks(
    namespacePaths: readonly string[],
    { signal }: { readonly signal: AbortSignal },
  ): Promise<ReadonlyMap<string, readonly InterfaceStatistics[]>> {
    signal.throwIfAborted();
    if (namespacePaths.length === 0) return new Map();
    try {
      return await this.#thread.readInterfaces(namespacePaths);
    } catch (error) {
      throw toEngineError(error, "read the traffic of network namespaces");
    }
  }

  async readFilesystem(directory: string, { signal }: { readonly signal: AbortSignal }): Promise<FilesystemStatistics> {
    signal.throwIfAborted();
    try {
      const { bsize, blocks, files, ffree } = await statfs(directory);
      return { totalBytes: bsize * blocks, totalInodes: files, freeInodes: ffree };
    } catch (error) {
      throw toEngineError(error, `look at the file system of ${directory}`);
    }
  }
}
