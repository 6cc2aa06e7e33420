// SPDX-License-Identifier: Apache-2.0
// The statistics calls of CRI's RuntimeService.

import type { RuntimeService } from "../../../gen/runtime/v1/api_pb.js";
import type { ServiceHandlers } from "../grpc/service.ts";
import { containerStats, listContainerStats, streamContainerStats } from "./container-stats.ts";
import type { StatsDependencies } from "./dependencies.ts";
import { listMetricDescriptors, listPodSandboxMetrics, streamPodSandboxMetrics } from "./pod-sandbox-metrics.ts";
import { listPodSandboxStats, podSandboxStats, streamPodSandboxStats } from "./pod-sandbox-stats.ts";

export type StatsHandlers = Pick<
  ServiceHandlers<typeof RuntimeService>,
  | "containerStats"
  | "listContainerStats"
  | "streamContainerStats"
  | "podSandboxStats"
  | "listPodSandboxStats"
  | "streamPodSandboxStats"
  | "listMetricDescriptors"
  | "listPodSandboxMetrics"
  | "streamPodSandboxMetrics"
>;

export function statsHandlers(deps: StatsDependencies): StatsHandlers {
  return {
    containerStats: (request, context) => containerStats(deps, request, context),
    listContainerStats: (request, context) => listContainerStats(deps, request, context),
    streamContainerStats: (request, context) => streamContainerStats(deps, request, context),
    podSandboxStats: (request, context) => podSandboxStats(deps, request, context),
    listPodSandboxStats: (request, context) => listPodSandboxStats(deps, request, context),
    streamPodSandboxStats: (request, context) => streamPodSandboxStats(deps, request, context),
    listMetricDescriptors: (request, context) => listMetricDescriptors(deps, request, context),
    listPodSandboxMetrics: (request, context) => listPodSandboxMetrics(deps, request, context),
    streamPodSandboxMetrics: (request, context) => streamPodSandboxMetrics(deps, request, context),
  };
}
