// SPDX-License-Identifier: Apache-2.0

import type { ResourceLimits } from "../../../../core/containers/container-config.ts";
import type { CgroupStatistics, FilesystemStatistics } from "../../../../core/metrics/statistics.ts";
import type { ContainerStatistics } from "../../../../core/metrics/statistics-service.ts";
import type { MetricFamily } from "../metric-family.ts";

/** What the metrics of a running container come of. */
export interface ContainerSource extends ContainerStatistics {
  readonly cgroup: CgroupStatistics;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly resources: ResourceLimits;
  /** That its writable layer lies on. */
  readonly filesystem: FilesystemStatistics;
}

/** Families of containers. */
export type ContainerFamilies = readonly MetricFamily<ContainerSource>[];
