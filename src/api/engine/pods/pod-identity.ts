// SPDX-License-Identifier: Apache-2.0
// Which pod a container belongs to.

import type { ContainerRecord } from "../../../core/containers/container.ts";
import type { PodIdentity } from "../../../core/containers/container-filter.ts";
import type { Engine } from "../../../core/lifecycle/engine.ts";
import type { PodRecord } from "../../../core/sandboxes/sandbox.ts";

/** Also one whose removal has begun; undefined for a container that is alone in its sandbox. */
export function podOfRecord(engine: Pick<Engine, "sandboxes">, record: ContainerRecord): PodRecord | undefined {
  if (record.pod === undefined) return undefined;
  const found = engine.sandboxes.find(record.sandboxId);
  return found?.pod === undefined ? undefined : { ...found, pod: found.pod };
}

export function podIdentity(engine: Pick<Engine, "sandboxes">, record: ContainerRecord): PodIdentity | undefined {
  const pod = podOfRecord(engine, record);
  if (pod === undefined) return undefined;
  const { name, namespace } = pod.pod.config.metadata;
  return { id: pod.id, name, namespace };
}
