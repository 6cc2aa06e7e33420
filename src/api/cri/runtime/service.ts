// SPDX-License-Identifier: Apache-2.0
// CRI's RuntimeService: each call in a file of its own.

import { RuntimeService } from "../../../gen/runtime/v1/api_pb.js";
import { checkpointContainer } from "../containers/checkpoint-container.ts";
import { containerStatus } from "../containers/container-status.ts";
import { createContainer } from "../containers/create-container.ts";
import { listContainers, streamContainers } from "../containers/list-containers.ts";
import { removeContainer } from "../containers/remove-container.ts";
import { reopenContainerLog } from "../containers/reopen-container-log.ts";
import { startContainer } from "../containers/start-container.ts";
import { stopContainer } from "../containers/stop-container.ts";
import { updateContainerResources } from "../containers/update-container-resources.ts";
import { execSync } from "../exec/exec-sync.ts";
import { attach, exec, portForward } from "../exec/streaming-calls.ts";
import { type GrpcService, grpcService, type ServiceHandlers } from "../grpc/service.ts";
import { listPodSandbox, streamPodSandboxes } from "../pods/list-pod-sandbox.ts";
import { podSandboxStatus } from "../pods/pod-sandbox-status.ts";
import { removePodSandbox } from "../pods/remove-pod-sandbox.ts";
import { runPodSandbox } from "../pods/run-pod-sandbox.ts";
import { stopPodSandbox } from "../pods/stop-pod-sandbox.ts";
import { updatePodSandboxResources } from "../pods/update-pod-sandbox-resources.ts";
import { type StatsHandlers } from "../stats/service.ts";
import { getContainerEvents } from "./container-events.ts";
import type { CriRuntime } from "./deps.ts";
import { runtimeConfig } from "./runtime-config.ts";
import { status } from "./status.ts";
import { versionOf } from "./version.ts";

type Handlers = ServiceHandlers<typeof RuntimeService>;

export function runtimeService(deps: CriRuntime, stats: StatsHandlers): GrpcService {
  return grpcService(RuntimeService, { ...podCalls(deps), ...containerCalls(deps), ...otherCalls(deps), ...stats });
}

function podCalls(deps: CriRuntime) {
  return {
    runPodSandbox: (request, context) => runPodSandbox(deps, request, context),
    stopPodSandbox: (request, context) => stopPodSandbox(deps, request, context),
    removePodSandbox: (request, context) => removePodSandbox(deps, request, context),
    podSandboxStatus: (request) => podSandboxStatus(deps, request),
    listPodSandbox: (request) => listPodSandbox(deps, request),
    streamPodSandboxes: (request) => streamPodSandboxes(deps, request),
    updatePodSandboxResources: (request, context) => updatePodSandboxResources(deps, request, context),
    portForward: async (request) => await Promise.resolve(portForward(deps, request)),
  } satisfies Partial<Handlers>;
}

function containerCalls(deps: CriRuntime) {
  return {
    createContainer: (request, context) => createContainer(deps, request, context),
    startContainer: (request, context) => startContainer(deps, request, context),
    stopContainer: (request, context) => stopContainer(deps, request, context),
    removeContainer: (request, context) => removeContainer(deps, request, context),
    listContainers: async (request) => await Promise.resolve(listContainers(deps, request)),
    streamContainers: (request) => streamed(streamContainers(deps, request)),
    containerStatus: async (request) => await Promise.resolve(containerStatus(deps, request)),
    updateContainerResources: (request, context) => updateContainerResources(deps, request, context),
    reopenContainerLog: (request) => reopenContainerLog(deps, request),
    checkpointContainer: (request, context) => checkpointContainer(deps, request, context),
    execSync: (request, context) => execSync(deps, request, context),
    exec: async (request) => await Promise.resolve(exec(deps, request)),
    attach: async (request) => await Promise.resolve(attach(deps, request)),
  } satisfies Partial<Handlers>;
}

function otherCalls(deps: CriRuntime) {
  return {
    version: async () => await Promise.resolve(versionOf(deps)),
    status: (request, context) => status(deps, request, context),
    runtimeConfig: (_request, context) => runtimeConfig(deps, context),
    // A pod's addresses are the network plugin's business.
    updateRuntimeConfig: async () => await Promise.resolve({}),
    getContainerEvents: (_request, context) => getContainerEvents(deps, context),
  } satisfies Partial<Handlers>;
}

async function* streamed<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}
