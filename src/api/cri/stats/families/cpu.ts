// SPDX-License-Identifier: Apache-2.0

import { one, secondsOf } from "../metric-family.ts";
import type { ContainerFamilies } from "./container-source.ts";

export const cpuFamilies: ContainerFamilies = [
  {
    name: "container_cpu_usage_seconds_total",
    help: "Seconds of processor time used, on all processors together.",
    type: "counter",
    labels: [],
    values: ({ cgroup }) => one(secondsOf(cgroup.cpu?.usageNanoseconds)),
  },
  {
    name: "container_cpu_user_seconds_total",
    help: "Seconds of processor time used outside the kernel.",
    type: "counter",
    labels: [],
    values: ({ cgroup }) => one(secondsOf(cgroup.cpu?.userNanoseconds)),
  },
  {
    name: "container_cpu_system_seconds_total",
    help: "Seconds of processor time used in the kernel.",
    type: "counter",
    labels: [],
    values: ({ cgroup }) => one(secondsOf(cgroup.cpu?.systemNanoseconds)),
  },
  // Where the controller is off no quota takes anything: the counts are there, and 0.
  {
    name: "container_cpu_cfs_periods_total",
    help: "Periods of the CPU quota in which the container wanted to run.",
    type: "counter",
    labels: [],
    values: ({ cgroup }) => one(cgroup.cpu && (cgroup.cpu.throttling?.periods ?? 0)),
  },
  {
    name: "container_cpu_cfs_throttled_periods_total",
    help: "Periods in which the CPU quota was used up.",
    type: "counter",
    labels: [],
    values: ({ cgroup }) => one(cgroup.cpu && (cgroup.cpu.throttling?.throttledPeriods ?? 0)),
  },
  {
    name: "container_cpu_cfs_throttled_seconds_total",
    help: "Seconds that processes were held back by the CPU quota.",
    type: "counter",
    labels: [],
    values: ({ cgroup }) => one(secondsOf(cgroup.cpu && (cgroup.cpu.throttling?.throttledNanoseconds ?? 0n))),
  },
];
