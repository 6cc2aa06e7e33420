// SPDX-License-Identifier: Apache-2.0
// Removes the containers that do not run. Those of pods are their orchestrator's.

import { hasCode } from "../../base/errors.ts";
import type { ContainerRecord } from "../containers/container.ts";
import type { Engine } from "../lifecycle/engine.ts";
import { removeContainer } from "../lifecycle/remove-container.ts";
import { type Pruned, pruneFilter } from "./prune-filter.ts";

export async function pruneContainers(
  engine: Engine,
  filters: ReadonlyMap<string, readonly string[]>,
  { signal }: { readonly signal: AbortSignal },
): Promise<Pruned> {
  const matches = pruneFilter(filters, ["until"]);
  const removed: string[] = [];
  let bytes = 0;
  for (const record of engine.registry.list()) {
    signal.throwIfAborted();
    if (record.pod !== undefined || engine.running.has(record.id) || !matches(record)) continue;
    const freed = await removeStopped(engine, record, signal);
    if (freed === undefined) continue;
    removed.push(record.id);
    bytes += freed;
  }
  return { removed, bytes };
}

/** undefined when it was started, or removed, meanwhile. */
async function removeStopped(
  engine: Engine,
  { id, snapshotKey }: ContainerRecord,
  signal: AbortSignal,
): Promise<number | undefined> {
  try {
    const { bytes } = await engine.snapshotter.usage(snapshotKey, { signal });
    await removeContainer(engine, id, { force: false, volumes: false, signal });
    return bytes;
  } catch (error) {
    if (hasCode(error, "conflict") || hasCode(error, "not-found")) return undefined;
    throw error;
  }
}
