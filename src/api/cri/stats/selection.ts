// SPDX-License-Identifier: Apache-2.0
// Which pods and containers a call is about, and where their statistics are.

import { notFound, type ObjectKind } from "../../../base/errors.ts";
import type { ContainerRecord, PodContainerMetadata } from "../../../core/containers/container.ts";
import type { ContainerTarget, PodTarget } from "../../../core/metrics/statistics-service.ts";
import type { PodRecord, SandboxRecord } from "../../../core/sandboxes/sandbox.ts";
import type { ContainerStatsFilter, PodSandboxStatsFilter } from "../../../gen/runtime/v1/api_pb.js";
import type { StatsDependencies } from "./dependencies.ts";

/** A container of a pod. */
export type MemberRecord = ContainerRecord & { readonly pod: PodContainerMetadata };

/** A pod with those of its containers that run. */
export interface PodWithMembers {
  readonly pod: PodRecord;
  readonly members: readonly MemberRecord[];
}

/** Running containers of pods that the filter lets through. Ids may be shortened as long as they are unique. */
export function runningMembers(
  deps: StatsDependencies,
  filter: ContainerStatsFilter | undefined,
): readonly MemberRecord[] {
  const running = members(deps).filter(({ id }) => deps.running.has(id));
  if (filter === undefined) return running;
  const id = fullId(filter.id, running);
  const sandboxId = fullId(filter.podSandboxId, pods(deps));
  return running.filter(
    (record) =>
      (filter.id === "" || record.id === id) &&
      (filter.podSandboxId === "" || record.sandboxId === sandboxId) &&
      hasLabels(record.config.labels, filter.labelSelector),
  );
}

/** not-found when no pod has such a container, running or not. */
export function memberOf(deps: StatsDependencies, id: string): MemberRecord {
  return oneOf("container", id, members(deps));
}

/** Ready pods that the filter lets through, with their running containers. */
export function readyPods(
  deps: StatsDependencies,
  filter: PodSandboxStatsFilter | undefined,
): readonly PodWithMembers[] {
  const ready = pods(deps).filter(({ status }) => status === "ready");
  const id = filter === undefined ? undefined : fullId(filter.id, ready);
  const chosen = ready.filter(
    (record) =>
      filter === undefined ||
      ((filter.id === "" || record.id === id) && hasLabels(record.pod.config.labels, filter.labelSelector)),
  );
  const running = Map.groupBy(runningMembers(deps, undefined), ({ sandboxId }) => sandboxId);
  return chosen.map((pod) => ({ pod, members: running.get(pod.id) ?? [] }));
}

/** not-found when there is no such pod, ready or not. */
export function podOf(deps: StatsDependencies, id: string): PodWithMembers {
  const pod = oneOf("sandbox", id, pods(deps));
  return { pod, members: runningMembers(deps, undefined).filter(({ sandboxId }) => sandboxId === pod.id) };
}

export function containerTarget(deps: StatsDependencies, { id, state, snapshotKey }: MemberRecord): ContainerTarget {
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

function members(deps: StatsDependencies): readonly MemberRecord[] {
  return deps.registry.list().filter((record): record is MemberRecord => record.pod !== undefined);
}

/** Those that can be seen: neither being made nor being removed. */
function pods(deps: StatsDependencies): readonly PodRecord[] {
  return deps.sandboxes.list().filter(isPod);
}

function isPod(record: SandboxRecord): record is PodRecord {
  return record.pod?.phase === "started";
}

function oneOf<T extends { readonly id: string }>(kind: ObjectKind, id: string, records: readonly T[]): T {
  const full = fullId(id, records);
  const record = records.find((candidate) => candidate.id === full);
  if (record === undefined) throw notFound(kind, id);
  return record;
}

/** The id itself, or the only one that begins with it. */
function fullId(id: string, records: readonly { readonly id: string }[]): string | undefined {
  if (id === "") return undefined;
  const matches = records.filter((record) => record.id.startsWith(id));
  return matches.length === 1 ? matches[0]?.id : matches.find((record) => record.id === id)?.id;
}

function hasLabels(labels: Readonly<Record<string, string>>, selector: Readonly<Record<string, string>>): boolean {
  return Object.entries(selector).every(([name, value]) => labels[name] === value);
}
