// SPDX-License-Identifier: Apache-2.0

import type { MemoryStatistics } from "../../../../core/metrics/statistics.ts";
import type { MetricFamily } from "../metric-family.ts";
import { one } from "../metric-family.ts";
import type { ContainerFamilies, ContainerSource } from "./container-source.ts";

type PickValue = (memory: MemoryStatistics) => number | undefined;

function gauge(name: string, help: string, pick: PickValue): MetricFamily<ContainerSource> {
  return { name, help, type: "gauge", labels: [], values: ({ cgroup }) => one(cgroup.memory && pick(cgroup.memory)) };
}

function counter(name: string, help: string, pick: PickValue): MetricFamily<ContainerSource> {
  return { ...gauge(name, help, pick), type: "counter" };
}

export const memoryFamilies: ContainerFamilies = [
  gauge(
    "container_memory_usage_bytes",
    "Bytes of memory in use, cached files included.",
    (memory) => memory.usageBytes,
  ),
  gauge(
    "container_memory_working_set_bytes",
    "Bytes of memory in use without cached files that were not used lately.",
    (memory) => memory.workingSetBytes,
  ),
  gauge(
    "container_memory_max_usage_bytes",
    "The most bytes of memory that were in use at a time; what is in use now on kernels that do not record it.",
    (memory) => memory.peakBytes ?? memory.usageBytes,
  ),
  gauge("container_memory_rss", "Bytes of anonymous memory.", (memory) => memory.rssBytes),
  gauge("container_memory_cache", "Bytes of cached files.", (memory) => memory.cacheBytes),
  gauge("container_memory_mapped_file", "Bytes of files mapped into processes.", (memory) => memory.mappedFileBytes),
  gauge(
    "container_memory_total_active_file_bytes",
    "Bytes of cached files that were used lately.",
    (memory) => memory.activeFileBytes,
  ),
  gauge(
    "container_memory_total_inactive_file_bytes",
    "Bytes of cached files that were not used lately.",
    (memory) => memory.inactiveFileBytes,
  ),
  gauge(
    "container_memory_kernel_usage",
    "Bytes of memory that the kernel uses for the container.",
    (memory) => memory.kernelBytes ?? 0,
  ),
  gauge("container_memory_swap", "Bytes of swap in use.", (memory) => memory.swapBytes ?? 0),
  counter(
    "container_memory_failcnt",
    "How often the memory limit was hit, whether or not memory could be freed then.",
    (memory) => memory.limitHits ?? 0,
  ),
  counter(
    "container_oom_events_total",
    "Processes that the kernel killed for want of memory.",
    (memory) => memory.oomKills ?? 0,
  ),
  {
    name: "container_memory_failures_total",
    help: "Page faults: all (pgfault) and those that had to read (pgmajfault), without and with cgroups below.",
    type: "counter",
    labels: ["failure_type", "scope"],
    values: ({ cgroup: { memory } }) =>
      memory === undefined
        ? []
        : [
            { value: memory.pageFaults.all, labels: ["pgfault", "container"] },
            { value: memory.pageFaults.major, labels: ["pgmajfault", "container"] },
            { value: memory.totalPageFaults.all, labels: ["pgfault", "hierarchy"] },
            { value: memory.totalPageFaults.major, labels: ["pgmajfault", "hierarchy"] },
          ],
  },
  {
    name: "container_hugetlb_usage_bytes",
    help: "Bytes of huge pages in use.",
    type: "gauge",
    labels: ["pagesize"],
    values: ({ cgroup }) =>
      (cgroup.hugepages ?? []).map(({ pageSize, usageBytes }) => ({ value: usageBytes, labels: [pageSize] })),
  },
  {
    name: "container_hugetlb_max_usage_bytes",
    help: "The most bytes of huge pages that were in use at a time; cgroup version 2 does not record it.",
    type: "gauge",
    labels: ["pagesize"],
    values: ({ cgroup }) =>
      (cgroup.hugepages ?? []).flatMap(({ pageSize, peakBytes }) =>
        peakBytes === undefined ? [] : [{ value: peakBytes, labels: [pageSize] }],
      ),
  },
];
