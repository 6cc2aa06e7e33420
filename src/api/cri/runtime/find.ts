// SPDX-License-Identifier: Apache-2.0
// Pods and their containers by id or by a unique part of its beginning, as clients type it.

import { invalidArgument, notFound } from "../../../base/errors.ts";
import type { SandboxId } from "../../../base/ids.ts";
import type { ContainerRecord, PodContainerMetadata } from "../../../core/containers/container.ts";
import type { Engine } from "../../../core/lifecycle/engine.ts";
import { isVisiblePod } from "../../../core/lifecycle/pod-member.ts";
import type { PodRecord } from "../../../core/sandboxes/sandbox.ts";

export type PodContainer = ContainerRecord & { readonly pod: PodContainerMetadata };

const partOfId = /^[0-9a-f]{1,63}$/;

/** undefined when no pod's container has it; invalid-argument when several could be meant. */
export function findContainer(engine: Pick<Engine, "registry">, id: string): PodContainer | undefined {
  if (id === "") throw invalidArgument("the request names no container");
  const record = /^[0-9a-f]{1,64}$/.test(id) ? engine.registry.find(id) : undefined;
  return record !== undefined && isMember(record) && record.id.startsWith(id) ? record : undefined;
}

export function getContainer(engine: Pick<Engine, "registry">, id: string): PodContainer {
  const record = findContainer(engine, id);
  if (record === undefined) throw notFound("container", id);
  return record;
}

export function isMember(record: ContainerRecord): record is PodContainer {
  return record.pod !== undefined;
}

/** undefined when there is none; invalid-argument when several could be meant. */
export function findPod(engine: Pick<Engine, "sandboxes">, id: string): PodRecord | undefined {
  if (id === "") throw invalidArgument("the request names no pod sandbox");
  const record = engine.sandboxes.find(id as SandboxId);
  if (record !== undefined || !partOfId.test(id)) return isVisiblePod(record) ? record : undefined;
  const matches = listPods(engine).filter((pod) => pod.id.startsWith(id));
  if (matches.length > 1) throw invalidArgument(`several pod sandboxes have ids that begin with ${id}`);
  return matches[0];
}

export function getPod(engine: Pick<Engine, "sandboxes">, id: string): PodRecord {
  const record = findPod(engine, id);
  if (record === undefined) throw notFound("sandbox", id);
  return record;
}

/** All that are to be seen. */
export function listPods(engine: Pick<Engine, "sandboxes">): readonly PodRecord[] {
  return engine.sandboxes.list().filter(isVisiblePod);
}

/** Whether all of these labels are there with these values. */
export function hasLabels(
  labels: Readonly<Record<string, string>>,
  selector: Readonly<Record<string, string>>,
): boolean {
  return Object.entries(selector).every(([name, value]) => labels[name] === value);
}
