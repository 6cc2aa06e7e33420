// SPDX-License-Identifier: Apache-2.0

import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  ListPodSandboxStatsRequest,
  ListPodSandboxStatsResponseSchema,
  PodSandboxStatsRequest,
  PodSandboxStatsResponseSchema,
  PodSandboxStatsSchema,
  StreamPodSandboxStatsRequest,
  StreamPodSandboxStatsResponseSchema,
} from "../../../gen/runtime/v1/api_pb.js";
import { inChunks } from "../chunks.ts";
import type { CallOptions, StatsDependencies } from "./dependencies.ts";
import { toPodSandboxStats } from "./messages.ts";
import { type PodWithMembers, podOf, podTarget, readyPods } from "./selection.ts";

type Stats = MessageInitShape<typeof PodSandboxStatsSchema>;

/** One pod; of one that is not ready only who it is. */
export async function podSandboxStats(
  deps: StatsDependencies,
  { podSandboxId }: PodSandboxStatsRequest,
  options: CallOptions,
): Promise<MessageInitShape<typeof PodSandboxStatsResponseSchema>> {
  const [stats] = await statsOf(deps, [podOf(deps, podSandboxId)], options);
  return stats === undefined ? {} : { stats };
}

/** All ready pods that the filter lets through. */
export async function listPodSandboxStats(
  deps: StatsDependencies,
  { filter }: ListPodSandboxStatsRequest,
  options: CallOptions,
): Promise<MessageInitShape<typeof ListPodSandboxStatsResponseSchema>> {
  return { stats: await statsOf(deps, readyPods(deps, filter), options) };
}

/** The same in several messages, read as the client takes them. */
export async function* streamPodSandboxStats(
  deps: StatsDependencies,
  { filter }: StreamPodSandboxStatsRequest,
  options: CallOptions,
): AsyncGenerator<MessageInitShape<typeof StreamPodSandboxStatsResponseSchema>> {
  for (const pods of inChunks(readyPods(deps, filter))) {
    yield { podSandboxStats: await statsOf(deps, pods, options) };
  }
}

async function statsOf(
  deps: StatsDependencies,
  pods: readonly PodWithMembers[],
  { signal }: CallOptions,
): Promise<Stats[]> {
  const targets = pods.map((pod) => podTarget(deps, pod));
  const found = await deps.statistics.pods(targets, { detail: "usage", signal });
  return pods.flatMap((pod, index) => {
    const statistics = found[index];
    return statistics === undefined ? [] : [toPodSandboxStats(pod, statistics, deps.snapshotter.root)];
  });
}
