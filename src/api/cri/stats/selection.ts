// SPDX-License-Identifier: Apache-2.0
// Which pods and containers a call is about, and where their statistics are.

import type { ContainerTarget, PodTarget } from "../../../core/metrics/statistics-service.ts";
import type { PodRecord } from "../../../core/sandboxes/sandbox.ts";
import type { ContainerStatsFilter, PodSandboxStatsFilter } from "../../../gen/runtime/v1/api_pb.js";
import { findContainer, findPod, getPod, hasLabels, isMember, listPods, type PodContainer } from "../runtime/find.ts";
import type { StatsDependencies } from "./dependencies.ts";

/** A pod with those of its containers that run. */
export interface PodWithMembers {
  readonly pod: PodRecord;
  readonly members: readonly PodContainer[];
}

/** Running containers of pods that the filter lets through. Ids may be the beginnings of some. */
export function runningMembers(
  deps: StatsDependencies,
  filter: ContainerStatsFilter | undefined,
): readonly PodContainer[] {
  const { id = "", podSandboxId = "", labelSelector = {} } = filter ?? {};
  const candidates = id === "" ? deps.registry.list().filter(isMember) : [findContainer(deps, id) ?? []].flat();
  const sandboxId = podSandboxId === "" ? undefined : (findPod(deps, podSandboxId)?.id ?? podSandboxId);
  return candidates.filter(
    (record) =>
      deps.running.has(record.id) &&
      (sandboxId === undefined || record.sandboxId === sandboxId) &&
      hasLabels(record.config.labels, labelSelector),
  );
}

/** Ready pods that the filter lets through, with their running containers. */
export function readyPods(
  deps: StatsDependencies,
  filter: PodSandboxStatsFilter | undefined,
): readonly PodWithMembers[] {
  const { id = "", labelSelector = {} } = filter ?? {};
  const candidates = id === "" ? listPods(deps) : [findPod(deps, id) ?? []].flat();
  const running = Map.groupBy(runningMembers(deps, undefined), ({ sandboxId }) => sandboxId);
  return candidates
    .filter((pod) => pod.status === "ready" && hasLabels(pod.pod.config.labels, labelSelector))
    .map((pod) => ({ pod, members: running.get(pod.id) ?? [] }));
}

/** not-found when there is no such pod, ready or not. */
export function podOf(deps: StatsDependencies, id: string): PodWithMembers {
  const pod = getPod(deps, id);
  return { pod, members: runningMembers(deps, undefined).filter(({ sandboxId }) => sandboxId === pod.id) };
}

export function containerTarget(deps: StatsDependencies, { id, state, snapshotKey }: PodContainer): ContainerTarget {
  const cgroups = deps.running.get(id)?.task.cgroups;
  return { id, startedAt: state.startedAt ?? 0, snapshotKey, ...(cgroups !== undefined && { cgroups }) };
}

export function podTarget(deps: StatsDependencies, { pod, members }: PodWithMembers): PodTarget {
  const { network } = pod.namespaces;
  return {
    id: pod.id,
    createdAt: pod.createdAt,
    // What is not ready uses nothing; its cgroup may be another's by now.
    cgroupParent: pod.status === "ready" ? pod.pod.cgroupParent : "",
    ...(network !== undefined && { network }),
    containers: members.map((member) => containerTarget(deps, member)),
  };
}
