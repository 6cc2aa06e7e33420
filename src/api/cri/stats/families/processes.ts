// SPDX-License-Identifier: Apache-2.0

import type { MetricFamily } from "../metric-family.ts";
import { one } from "../metric-family.ts";
import type { ContainerFamilies, ContainerSource } from "./container-source.ts";

function gauge(
  name: string,
  help: string,
  pick: (source: ContainerSource) => number | undefined,
): MetricFamily<ContainerSource> {
  return { name, help, type: "gauge", labels: [], values: (source) => one(pick(source)) };
}

export const processFamilies: ContainerFamilies = [
  gauge("container_processes", "Processes in the container.", ({ processes }) => processes?.processes),
  gauge("container_threads", "Threads in the container.", ({ cgroup }) => cgroup.pids?.current),
  gauge(
    "container_threads_max",
    "Threads that the container may have; 0 is without limit.",
    ({ cgroup }) => cgroup.pids && (cgroup.pids.limit ?? 0),
  ),
  gauge(
    "container_file_descriptors",
    "Open file descriptors of all processes in the container.",
    ({ processes }) => processes?.fileDescriptors,
  ),
  gauge("container_sockets", "Open file descriptors that are sockets.", ({ processes }) => processes?.sockets),
  {
    name: "container_ulimits_soft",
    help: "Soft limits of the container's first process; one that is without limit is left out.",
    type: "gauge",
    labels: ["ulimit"],
    values: ({ processes }) =>
      processes?.openFilesLimit === undefined ? [] : [{ value: processes.openFilesLimit, labels: ["max_open_files"] }],
  },
  gauge("container_last_seen", "When the container was last seen, in seconds since 1970.", () =>
    Math.trunc(Date.now() / 1000),
  ),
  gauge("container_start_time_seconds", "When the container was started, in seconds since 1970.", ({ startedAt }) =>
    Math.trunc(startedAt / 1000),
  ),
];
