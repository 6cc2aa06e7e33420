// SPDX-License-Identifier: Apache-2.0

import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  ContainerStatsRequest,
  ContainerStatsResponseSchema,
  ContainerStatsSchema,
  ListContainerStatsRequest,
  ListContainerStatsResponseSchema,
  StreamContainerStatsRequest,
  StreamContainerStatsResponseSchema,
} from "../../../gen/runtime/v1/api_pb.js";
import { inChunks } from "../chunks.ts";
import { getContainer, type PodContainer } from "../runtime/find.ts";
import type { CallOptions, StatsDependencies } from "./dependencies.ts";
import { toContainerStats } from "./messages.ts";
import { containerTarget, runningMembers } from "./selection.ts";

type Stats = MessageInitShape<typeof ContainerStatsSchema>;

/** One container; of one that does not run only what it wrote. */
export async function containerStats(
  deps: StatsDependencies,
  { containerId }: ContainerStatsRequest,
  options: CallOptions,
): Promise<MessageInitShape<typeof ContainerStatsResponseSchema>> {
  const [stats] = await statsOf(deps, [getContainer(deps, containerId)], options);
  return stats === undefined ? {} : { stats };
}

/** All running containers that the filter lets through. */
export async function listContainerStats(
  deps: StatsDependencies,
  { filter }: ListContainerStatsRequest,
  options: CallOptions,
): Promise<MessageInitShape<typeof ListContainerStatsResponseSchema>> {
  return { stats: await statsOf(deps, runningMembers(deps, filter), options) };
}

/** The same in several messages, read as the client takes them. */
export async function* streamContainerStats(
  deps: StatsDependencies,
  { filter }: StreamContainerStatsRequest,
  options: CallOptions,
): AsyncGenerator<MessageInitShape<typeof StreamContainerStatsResponseSchema>> {
  for (const records of inChunks(runningMembers(deps, filter))) {
    const found = await statsOf(deps, records, options);
    if (found.length > 0) yield { containerStats: found };
  }
}

async function statsOf(
  deps: StatsDependencies,
  records: readonly PodContainer[],
  { signal }: CallOptions,
): Promise<Stats[]> {
  const targets = records.map((record) => containerTarget(deps, record));
  const found = await deps.statistics.containers(targets, { detail: "usage", signal });
  return records.flatMap((record, index) => {
    const statistics = found[index];
    return statistics === undefined ? [] : [toContainerStats(record, statistics, deps.snapshotter.root)];
  });
}
