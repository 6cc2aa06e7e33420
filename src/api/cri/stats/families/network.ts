// SPDX-License-Identifier: Apache-2.0
// The network is the pod's: these are no metrics of a container.

import type { InterfaceStatistics, TrafficStatistics } from "../../../../core/metrics/statistics.ts";
import type { MetricFamily } from "../metric-family.ts";

type Interfaces = readonly InterfaceStatistics[];

const directions = [
  ["receive", "received"],
  ["transmit", "sent"],
] as const;

const counts = [
  ["bytes", "bytes", "Bytes"],
  ["packets", "packets", "Packets"],
  ["packets_dropped", "dropped", "Packets dropped that were to be"],
  ["errors", "errors", "Errors of packets"],
] as const satisfies (readonly [string, keyof TrafficStatistics, string])[];

export const networkFamilies: readonly MetricFamily<Interfaces>[] = directions.flatMap(([direction, done]) =>
  counts.map(
    ([name, field, what]): MetricFamily<Interfaces> => ({
      name: `container_network_${direction}_${name}_total`,
      help: `${what} ${done}.`,
      type: "counter",
      labels: ["interface"],
      values: (interfaces) =>
        interfaces.map((candidate) => ({ value: candidate[direction][field], labels: [candidate.name] })),
    }),
  ),
);
