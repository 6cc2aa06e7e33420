// SPDX-License-Identifier: Apache-2.0

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { FilesystemStatistics } from "../../../core/metrics/statistics.ts";
import type { ContainerStatistics, PodStatistics } from "../../../core/metrics/statistics-service.ts";
import type {
  ListMetricDescriptorsRequest,
  ListMetricDescriptorsResponseSchema,
  ListPodSandboxMetricsRequest,
  ListPodSandboxMetricsResponseSchema,
  PodSandboxMetricsSchema,
  StreamPodSandboxMetricsRequest,
  StreamPodSandboxMetricsResponseSchema,
} from "../../../gen/runtime/v1/api_pb.js";
import { inChunks } from "../chunks.ts";
import type { PodContainer } from "../runtime/find.ts";
import type { CallOptions, StatsDependencies } from "./dependencies.ts";
import { containerFamilies } from "./families/container-families.ts";
import type { ContainerSource } from "./families/container-source.ts";
import { networkFamilies } from "./families/network.ts";
import { toDescriptor, toMetrics } from "./metric-family.ts";
import { type PodWithMembers, podTarget, readyPods } from "./selection.ts";

type Metrics = MessageInitShape<typeof PodSandboxMetricsSchema>;

/** Stays the same while the daemon lives. */
export async function listMetricDescriptors(
  _deps: StatsDependencies,
  _request: ListMetricDescriptorsRequest,
  _options: CallOptions,
): Promise<MessageInitShape<typeof ListMetricDescriptorsResponseSchema>> {
  return { descriptors: [...containerFamilies, ...networkFamilies].map(toDescriptor) };
}

/** All ready pods and their running containers. */
export async function listPodSandboxMetrics(
  deps: StatsDependencies,
  _request: ListPodSandboxMetricsRequest,
  options: CallOptions,
): Promise<MessageInitShape<typeof ListPodSandboxMetricsResponseSchema>> {
  return { podMetrics: await metricsOf(deps, readyPods(deps, undefined), options) };
}

/** The same in several messages, read as the client takes them. */
export async function* streamPodSandboxMetrics(
  deps: StatsDependencies,
  _request: StreamPodSandboxMetricsRequest,
  options: CallOptions,
): AsyncGenerator<MessageInitShape<typeof StreamPodSandboxMetricsResponseSchema>> {
  for (const pods of inChunks(readyPods(deps, undefined))) {
    yield { podSandboxMetrics: await metricsOf(deps, pods, options) };
  }
}

async function metricsOf(
  deps: StatsDependencies,
  pods: readonly PodWithMembers[],
  { signal }: CallOptions,
): Promise<Metrics[]> {
  const { statistics } = deps;
  const targets = pods.map((pod) => podTarget(deps, pod));
  const found = await statistics.pods(targets, { detail: "full", signal });
  const filesystem = await statistics.filesystem(deps.snapshotter.root, { signal });
  return pods.flatMap((pod, index) => {
    const podStatistics = found[index];
    return podStatistics === undefined ? [] : [toPodMetrics(pod, podStatistics, filesystem)];
  });
}

function toPodMetrics(
  { pod, members }: PodWithMembers,
  { interfaces = [], containers }: PodStatistics,
  filesystem: FilesystemStatistics,
): Metrics {
  const { name, namespace } = pod.pod.config.metadata;
  const byId = new Map(containers.map((statistics) => [statistics.id, statistics]));
  // As cAdvisor calls what holds a pod's network.
  const owner = { pod: name, namespace, container: "POD", id: pod.id, image: "", name: pod.id };
  return {
    podSandboxId: pod.id,
    metrics: toMetrics(networkFamilies, owner, interfaces),
    containerMetrics: members.flatMap((record) => {
      const statistics = byId.get(record.id);
      if (statistics?.cgroup === undefined) return []; // it has just ended
      return {
        containerId: record.id,
        metrics: toMetrics(
          containerFamilies,
          { ...owner, container: record.pod.name, id: record.id, image: record.config.image, name: record.id },
          toSource(record, { ...statistics, cgroup: statistics.cgroup }, filesystem),
        ),
      };
    }),
  };
}

function toSource(
  { state, config }: PodContainer,
  statistics: ContainerStatistics & Pick<ContainerSource, "cgroup">,
  filesystem: FilesystemStatistics,
): ContainerSource {
  return { ...statistics, startedAt: state.startedAt ?? 0, resources: config.resources, filesystem };
}
