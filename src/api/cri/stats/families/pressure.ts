// SPDX-License-Identifier: Apache-2.0

import type { CgroupStatistics } from "../../../../core/metrics/statistics.ts";
import type { MetricFamily } from "../metric-family.ts";
import { one } from "../metric-family.ts";
import type { ContainerFamilies, ContainerSource } from "./container-source.ts";

type Resource = keyof CgroupStatistics["pressure"];

function pressureFamily(resource: Resource, kind: "waiting" | "stalled", what: string): MetricFamily<ContainerSource> {
  const who = kind === "waiting" ? "at least one process" : "every process";
  return {
    name: `container_pressure_${resource}_${kind}_seconds_total`,
    help: `Seconds in which ${who} of the container waited for ${what}.`,
    type: "counter",
    labels: [],
    values: ({ cgroup }) => {
      const pressure = cgroup.pressure[resource];
      const line = kind === "waiting" ? pressure?.some : pressure?.full;
      return one(line && Math.trunc(line.totalMicroseconds / 1_000_000));
    },
  };
}

const resources = [
  ["cpu", "a processor"],
  ["memory", "memory"],
  ["io", "input or output"],
] as const satisfies (readonly [Resource, string])[];

export const pressureFamilies: ContainerFamilies = resources.flatMap(([resource, what]) => [
  pressureFamily(resource, "waiting", what),
  pressureFamily(resource, "stalled", what),
]);
