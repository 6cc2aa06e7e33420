// SPDX-License-Identifier: Apache-2.0

import type { CgroupStatistics, MemoryStatistics } from "./statistics.ts";

const memoryBytes = [
  "usageBytes",
  "workingSetBytes",
  "rssBytes",
  "cacheBytes",
  "mappedFileBytes",
  "activeFileBytes",
  "inactiveFileBytes",
] as const satisfies (keyof MemoryStatistics)[];

/** What cgroups that share no parent use together: what can be added up. Limits, peaks and pressure cannot. */
export function sumOf(cgroups: readonly CgroupStatistics[]): CgroupStatistics | undefined {
  const [first] = cgroups;
  if (first === undefined) return undefined;
  const cpus = cgroups.flatMap(({ cpu }) => cpu ?? []);
  const memory = sumOfMemory(cgroups.flatMap((cgroup) => cgroup.memory ?? []));
  const pids = cgroups.flatMap((cgroup) => cgroup.pids ?? []);
  return {
    readAt: first.readAt,
    ...(cpus.length > 0 && {
      cpu: { usageNanoseconds: cpus.reduce((sum, { usageNanoseconds }) => sum + usageNanoseconds, 0n) },
    }),
    ...(memory !== undefined && { memory }),
    ...(pids.length > 0 && { pids: { current: pids.reduce((sum, { current }) => sum + current, 0) } }),
    pressure: {},
  };
}

function sumOfMemory(memories: readonly MemoryStatistics[]): MemoryStatistics | undefined {
  if (memories.length === 0) return undefined;
  const sum = (pick: (memory: MemoryStatistics) => number) =>
    memories.reduce((total, memory) => total + pick(memory), 0);
  const bytes = Object.fromEntries(memoryBytes.map((name) => [name, sum((memory) => memory[name])]));
  return {
    ...(bytes as Pick<MemoryStatistics, (typeof memoryBytes)[number]>),
    pageFaults: { all: sum((memory) => memory.pageFaults.all), major: sum((memory) => memory.pageFaults.major) },
    totalPageFaults: {
      all: sum((memory) => memory.totalPageFaults.all),
      major: sum((memory) => memory.totalPageFaults.major),
    },
    ...(memories.some(({ swapBytes }) => swapBytes !== undefined) && { swapBytes: sum((m) => m.swapBytes ?? 0) }),
  };
}
