// SPDX-License-Identifier: Apache-2.0
// What was asked for. CPU values are those of the request, for cgroup version 2 keeps a rounded weight instead of shares;
// memory limits are those in force.

import type { MetricFamily } from "../metric-family.ts";
import { one } from "../metric-family.ts";
import type { ContainerFamilies, ContainerSource } from "./container-source.ts";

/** Of the kernel. */
const defaultPeriodMicroseconds = 100_000;
const defaultShares = 1024;

function gauge(
  name: string,
  help: string,
  pick: (source: ContainerSource) => number | undefined,
): MetricFamily<ContainerSource> {
  return { name, help, type: "gauge", labels: [], values: (source) => one(pick(source)) };
}

export const specificationFamilies: ContainerFamilies = [
  gauge(
    "container_spec_cpu_period",
    "Length in microseconds of the CPU quota's period.",
    ({ resources }) => resources.cpuPeriod || defaultPeriodMicroseconds,
  ),
  gauge("container_spec_cpu_quota", "Microseconds of processor time in each period.", cpuQuota),
  gauge(
    "container_spec_cpu_shares",
    "Share of processor time when there is not enough for all.",
    ({ resources }) => resources.cpuShares || defaultShares,
  ),
  gauge(
    "container_spec_memory_limit_bytes",
    "Bytes of memory that the container may use; 0 is without limit.",
    ({ cgroup }) => cgroup.memory && (cgroup.memory.limitBytes ?? 0),
  ),
  gauge(
    "container_spec_memory_reservation_limit_bytes",
    "Bytes of memory that the container keeps when memory is short; 0 is none.",
    ({ resources }) => resources.memoryReservationBytes ?? 0,
  ),
  gauge(
    "container_spec_memory_swap_limit_bytes",
    "Bytes of memory and swap together that the container may use; 0 is without limit.",
    memoryAndSwapLimit,
  ),
];

/** None without a quota. */
function cpuQuota({ resources }: ContainerSource): number | undefined {
  const { nanoCpus = 0, cpuQuota: quota = 0 } = resources;
  if (quota > 0) return quota;
  return nanoCpus > 0 ? Math.round((nanoCpus / 1e9) * defaultPeriodMicroseconds) : undefined;
}

function memoryAndSwapLimit({ cgroup: { memory } }: ContainerSource): number | undefined {
  if (memory?.limitBytes === undefined || memory.swapLimitBytes === undefined) return memory && 0;
  return memory.limitBytes + memory.swapLimitBytes;
}
