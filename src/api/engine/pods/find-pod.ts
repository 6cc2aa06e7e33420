// SPDX-License-Identifier: Apache-2.0
// Pods as people name them.

import { failedPrecondition, notFound } from "../../../base/errors.ts";
import type { Engine } from "../../../core/lifecycle/engine.ts";
import { isVisiblePod } from "../../../core/lifecycle/pod-member.ts";
import type { PodRecord } from "../../../core/sandboxes/sandbox.ts";

/** All that are to be seen, newest first. */
export function listVisiblePods(engine: Pick<Engine, "sandboxes">): readonly PodRecord[] {
  return engine.sandboxes
    .list()
    .filter(isVisiblePod)
    .sort((a, b) => b.createdAt - a.createdAt);
}

/**
 * By full id, "namespace/name", name, or a unique prefix of an id, in this order. Of several tries of one pod a name
 * means the newest; failed-precondition when it is not clear which pod is meant.
 */
export function findPod(engine: Pick<Engine, "sandboxes">, reference: string): PodRecord {
  const pods = listVisiblePods(engine);
  const byId = pods.find(({ id }) => id === reference);
  if (byId !== undefined) return byId;
  const named = pods.filter(({ pod }) => {
    const { name, namespace } = pod.config.metadata;
    return reference === name || reference === `${namespace}/${name}`;
  });
  const [newest] = named;
  if (newest !== undefined) {
    const namespaces = new Set(named.map(({ pod }) => pod.config.metadata.namespace));
    if (namespaces.size === 1) return newest;
    throw failedPrecondition(
      `pods of the namespaces ${[...namespaces].sort().join(", ")} are called ${reference}: say NAMESPACE/${reference}`,
    );
  }
  const matches = /^[0-9a-f]{1,63}$/.test(reference) ? pods.filter(({ id }) => id.startsWith(reference)) : [];
  const [match, ...others] = matches;
  if (match === undefined) throw notFound("sandbox", reference);
  if (others.length > 0)
    throw failedPrecondition(`several pods have ids that begin with ${reference}: give more of it`);
  return match;
}
