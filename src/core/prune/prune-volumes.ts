// SPDX-License-Identifier: Apache-2.0
// Removes the volumes that no container has: the anonymous ones, or all with the filter all=true.

import { hasCode } from "../../base/errors.ts";
import type { VolumeRecord } from "../volumes/volume.ts";
import type { VolumeService } from "../volumes/volume-service.ts";
import { filterSwitch, type Pruned, pruneFilter } from "./prune-filter.ts";

export async function pruneVolumes(
  volumes: VolumeService,
  filters: ReadonlyMap<string, readonly string[]>,
  { signal }: { readonly signal: AbortSignal },
): Promise<Pruned> {
  const matches = pruneFilter(filters, ["all"]);
  const all = filterSwitch(filters, "all") ?? false;
  const removed: string[] = [];
  let bytes = 0;
  for (const volume of volumes.list()) {
    signal.throwIfAborted();
    if ((!all && !volume.anonymous) || !matches(volume) || volumes.usersOf(volume.name).length > 0) continue;
    const freed = await removeUnused(volumes, volume, signal);
    if (freed === undefined) continue;
    removed.push(volume.name);
    bytes += freed;
  }
  return { removed, bytes };
}

/** undefined when it is gone, or somebody has it, meanwhile. */
async function removeUnused(
  volumes: VolumeService,
  { name }: VolumeRecord,
  signal: AbortSignal,
): Promise<number | undefined> {
  try {
    const bytes = await volumes.usage(name, { signal });
    await volumes.remove(name);
    return bytes;
  } catch (error) {
    if (hasCode(error, "conflict") || hasCode(error, "not-found")) return undefined;
    throw error;
  }
}
