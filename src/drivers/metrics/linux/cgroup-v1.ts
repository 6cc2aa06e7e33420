// SPDX-License-Identifier: Apache-2.0
// Statistics of cgroup version 1: a directory for each controller. Pressure is told by the version 2 hierarchy of a
// hybrid machine, where the runtime has put the container there too.

import type {
  CgroupStatistics,
  CpuStatistics,
  DeviceStatistics,
  MemoryStatistics,
  StatisticsDetail,
} from "../../../core/metrics/statistics.ts";
import type { CgroupDirectories } from "../../../core/tasks/task-runtime.ts";
import { parseBlkio } from "../../../linux/cgroup/device-traffic.ts";
import { readBigCount, readCount, readCounts, readStatFile } from "../../../linux/cgroup/stat-file.ts";
import { deviceName } from "./block-device.ts";
import { readHugepages } from "./hugepages.ts";
import { readPids } from "./pids.ts";
import { readPressure } from "./pressure.ts";

/** "No limit" is the highest multiple of a page that fits in 63 bits, whatever a page is. */
const unlimited = 2 ** 62;

/** undefined when the cgroup is gone. */
export function readVersion1(cgroups: CgroupDirectories, detail: StatisticsDetail): CgroupStatistics | undefined {
  const full = detail === "full";
  const cpu = readCpu(cgroups, full);
  const memory = readMemory(directoryOf(cgroups, "memory"), full);
  const pids = readPids(directoryOf(cgroups, "pids"), full);
  if (cpu === undefined && memory === undefined && pids === undefined) return undefined;
  const devices = full ? readDevices(directoryOf(cgroups, "blkio")) : undefined;
  const hugepages = full ? readHugepages(directoryOf(cgroups, "hugetlb"), 1) : undefined;
  return {
    readAt: Date.now(),
    ...(cpu !== undefined && { cpu }),
    ...(memory !== undefined && { memory }),
    ...(pids !== undefined && { pids }),
    pressure: readPressure(cgroups[""]),
    ...(devices !== undefined && { devices }),
    ...(hugepages !== undefined && { hugepages }),
  };
}

/** Hierarchies are named after all controllers that are mounted together. */
export function directoryOf(cgroups: CgroupDirectories, controller: string): string | undefined {
  return Object.entries(cgroups).find(([name]) => name.split(",").includes(controller))?.[1];
}

function readCpu(cgroups: CgroupDirectories, full: boolean): CpuStatistics | undefined {
  const accounting = directoryOf(cgroups, "cpuacct");
  if (accounting === undefined) return undefined;
  const usageNanoseconds = readBigCount(accounting, "cpuacct.usage");
  if (usageNanoseconds === undefined) return undefined;
  if (!full) return { usageNanoseconds };
  const userNanoseconds = readBigCount(accounting, "cpuacct.usage_user");
  const systemNanoseconds = readBigCount(accounting, "cpuacct.usage_sys");
  const quota = directoryOf(cgroups, "cpu");
  const counts = quota === undefined ? undefined : readCounts(quota, "cpu.stat");
  return {
    usageNanoseconds,
    ...(userNanoseconds !== undefined && { userNanoseconds }),
    ...(systemNanoseconds !== undefined && { systemNanoseconds }),
    ...(counts !== undefined && {
      throttling: {
        periods: counts.get("nr_periods") ?? 0,
        throttledPeriods: counts.get("nr_throttled") ?? 0,
        throttledNanoseconds: BigInt(counts.get("throttled_time") ?? 0),
      },
    }),
  };
}

function readMemory(directory: string | undefined, full: boolean): MemoryStatistics | undefined {
  if (directory === undefined) return undefined;
  const counts = readCounts(directory, "memory.stat");
  const usageBytes = readCount(directory, "memory.usage_in_bytes");
  if (counts === undefined || usageBytes === undefined) return undefined;
  const count = (name: string) => counts.get(name) ?? 0;
  const limitBytes = readLimit(directory, "memory.limit_in_bytes");
  const swapBytes = counts.get("total_swap");
  const bothLimit = swapBytes === undefined ? undefined : readLimit(directory, "memory.memsw.limit_in_bytes");
  const hasSwapLimit = bothLimit !== undefined && limitBytes !== undefined;
  return {
    usageBytes,
    workingSetBytes: Math.max(0, usageBytes - count("total_inactive_file")),
    rssBytes: count("total_rss"),
    cacheBytes: count("total_cache"),
    mappedFileBytes: count("total_mapped_file"),
    activeFileBytes: count("total_active_file"),
    inactiveFileBytes: count("total_inactive_file"),
    pageFaults: { all: count("pgfault"), major: count("pgmajfault") },
    totalPageFaults: { all: count("total_pgfault"), major: count("total_pgmajfault") },
    ...(limitBytes !== undefined && { limitBytes }),
    ...(swapBytes !== undefined && { swapBytes }),
    ...(hasSwapLimit && { swapLimitBytes: Math.max(0, bothLimit - limitBytes) }),
    ...(full && readMemoryDetail(directory)),
  };
}

function readMemoryDetail(directory: string): Partial<MemoryStatistics> {
  const kernelBytes = readCount(directory, "memory.kmem.usage_in_bytes");
  const peakBytes = readCount(directory, "memory.max_usage_in_bytes");
  const limitHits = readCount(directory, "memory.failcnt");
  const oomKills = readCounts(directory, "memory.oom_control")?.get("oom_kill");
  return {
    ...(kernelBytes !== undefined && { kernelBytes }),
    ...(peakBytes !== undefined && { peakBytes }),
    ...(limitHits !== undefined && { limitHits }),
    ...(oomKills !== undefined && { oomKills }),
  };
}

function readLimit(directory: string, name: string): number | undefined {
  const limit = readCount(directory, name);
  return limit === undefined || limit > unlimited ? undefined : limit;
}

/** The throttling policy counts all requests, whatever the device's scheduler is; before 5.0 not of those below. */
function readDevices(directory: string | undefined): readonly DeviceStatistics[] | undefined {
  if (directory === undefined) return undefined;
  const read = (name: string) => readStatFile(directory, `${name}_recursive`) ?? readStatFile(directory, name);
  const bytes = read("blkio.throttle.io_service_bytes");
  const requests = read("blkio.throttle.io_serviced");
  if (bytes === undefined || requests === undefined) return undefined;
  return parseBlkio(bytes, requests).map((traffic) => ({ ...traffic, device: deviceName(traffic) }));
}
