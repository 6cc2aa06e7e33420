// SPDX-License-Identifier: Apache-2.0
// Statistics of cgroup version 2: one directory has them all.

import type {
  CgroupStatistics,
  CpuStatistics,
  MemoryStatistics,
  StatisticsDetail,
} from "../../../core/metrics/statistics.ts";
import { parseIoStat } from "../../../linux/cgroup/device-traffic.ts";
import { readCount, readCounts, readStatFile } from "../../../linux/cgroup/stat-file.ts";
import { deviceName } from "./block-device.ts";
import { readHugepages } from "./hugepages.ts";
import { readPids } from "./pids.ts";
import { readPressure } from "./pressure.ts";

/** undefined when the cgroup is gone. */
export function readVersion2(directory: string, detail: StatisticsDetail): CgroupStatistics | undefined {
  const full = detail === "full";
  const cpu = readCpu(directory, full);
  if (cpu === undefined) return undefined; // cpu.stat is there whatever controllers are on
  const memory = readMemory(directory, full);
  const pids = readPids(directory, full);
  const devices = full ? readStatFile(directory, "io.stat") : undefined;
  const hugepages = full ? readHugepages(directory, 2) : undefined;
  return {
    readAt: Date.now(),
    cpu,
    ...(memory !== undefined && { memory }),
    ...(pids !== undefined && { pids }),
    pressure: readPressure(directory),
    ...(devices !== undefined && {
      devices: parseIoStat(devices).map((traffic) => ({ ...traffic, device: deviceName(traffic) })),
    }),
    ...(hugepages !== undefined && { hugepages }),
  };
}

function readCpu(directory: string, full: boolean): CpuStatistics | undefined {
  const counts = readCounts(directory, "cpu.stat");
  if (counts === undefined) return undefined;
  const nanoseconds = (name: string) => BigInt(counts.get(name) ?? 0) * 1000n;
  const usageNanoseconds = nanoseconds("usage_usec");
  if (!full) return { usageNanoseconds };
  return {
    usageNanoseconds,
    userNanoseconds: nanoseconds("user_usec"),
    systemNanoseconds: nanoseconds("system_usec"),
    // Only where the controller is on.
    ...(counts.has("nr_periods") && {
      throttling: {
        periods: counts.get("nr_periods") ?? 0,
        throttledPeriods: counts.get("nr_throttled") ?? 0,
        throttledNanoseconds: nanoseconds("throttled_usec"),
      },
    }),
  };
}

function readMemory(directory: string, full: boolean): MemoryStatistics | undefined {
  const usageBytes = readCount(directory, "memory.current");
  const counts = readCounts(directory, "memory.stat");
  if (usageBytes === undefined || counts === undefined) return undefined;
  const count = (name: string) => counts.get(name) ?? 0;
  const faults = { all: count("pgfault"), major: count("pgmajfault") };
  const limitBytes = readCount(directory, "memory.max");
  const swapBytes = readCount(directory, "memory.swap.current");
  const swapLimitBytes = readCount(directory, "memory.swap.max");
  return {
    usageBytes,
    workingSetBytes: Math.max(0, usageBytes - count("inactive_file")),
    rssBytes: count("anon"),
    cacheBytes: count("file"),
    mappedFileBytes: count("file_mapped"),
    activeFileBytes: count("active_file"),
    inactiveFileBytes: count("inactive_file"),
    pageFaults: faults,
    totalPageFaults: faults,
    ...(limitBytes !== undefined && { limitBytes }),
    ...(swapBytes !== undefined && { swapBytes }),
    ...(swapLimitBytes !== undefined && { swapLimitBytes }),
    ...(full && readMemoryDetail(directory, counts)),
  };
}

/** What "kernel" of memory.stat adds up, which is there since Linux 5.18. */
const kernelParts = ["kernel_stack", "pagetables", "sec_pagetables", "percpu", "slab", "vmalloc"];

function readMemoryDetail(directory: string, counts: ReadonlyMap<string, number>): Partial<MemoryStatistics> {
  const sum = kernelParts.reduce((bytes, name) => bytes + (counts.get(name) ?? 0), 0);
  const peakBytes = readCount(directory, "memory.peak"); // since Linux 5.19
  const events = readCounts(directory, "memory.events");
  return {
    kernelBytes: counts.get("kernel") ?? sum,
    ...(peakBytes !== undefined && { peakBytes }),
    ...(events !== undefined && { limitHits: events.get("max") ?? 0, oomKills: events.get("oom_kill") ?? 0 }),
  };
}
