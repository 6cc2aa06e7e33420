// SPDX-License-Identifier: Apache-2.0
// Removes the images that no container uses: those without a name, or all with the filter dangling=false. Pinned ones stay.

import { conflict, hasCode } from "../../base/errors.ts";
import type { Image, RemovedImage } from "../images/image-service.ts";
import type { Engine } from "../lifecycle/engine.ts";
import { imageParts, sumOf } from "./image-usage.ts";
import { imageUsers } from "./image-users.ts";
import { filterSwitch, pruneFilter } from "./prune-filter.ts";

export interface PrunedImages {
  readonly removed: readonly RemovedImage[];
  readonly bytes: number;
}

export interface PruneImagesOptions {
  /** Whether the administrator wants it to stay. */
  readonly isPinned: (image: Image) => boolean;
  readonly signal: AbortSignal;
}

export async function pruneImages(
  engine: Engine,
  filters: ReadonlyMap<string, readonly string[]>,
  { isPinned, signal }: PruneImagesOptions,
): Promise<PrunedImages> {
  const matches = pruneFilter(filters, ["until", "dangling"]);
  const danglingOnly = filterSwitch(filters, "dangling") ?? true;
  const before = engine.images.list();
  // Now: what is unpacked goes with the removal.
  const usage = new Map(before.map((image) => [image, imageParts(engine, [image])]));
  const gone = new Set<Image>();
  const removed: RemovedImage[] = [];
  for (const image of before) {
    signal.throwIfAborted();
    const labels = image.config.config?.Labels ?? {};
    if (isPinned(image) || !matches({ labels, createdAt: image.createdAt })) continue;
    const lines = await removeUnused(engine, image, { danglingOnly, signal });
    if (lines === undefined) continue;
    gone.add(image);
    removed.push(...lines);
  }
  const kept = new Set(
    before.filter((image) => !gone.has(image)).flatMap((image) => [...(usage.get(image)?.keys() ?? [])]),
  );
  const freed = new Map(
    [...gone].flatMap((image) => [...(usage.get(image) ?? [])]).filter(([part]) => !kept.has(part)),
  );
  return { removed, bytes: sumOf(freed) };
}

/** undefined when it is used, has a name that it shall keep, or is gone. */
async function removeUnused(
  engine: Engine,
  image: Image,
  { danglingOnly, signal }: { readonly danglingOnly: boolean; readonly signal: AbortSignal },
): Promise<readonly RemovedImage[] | undefined> {
  try {
    return await engine.images.remove(image.id, {
      force: true,
      signal,
      // Asked while nothing else can change images: what was true a moment ago need not be.
      usersOf: (id) => {
        if (imageUsers(engine, id).length > 0) throw conflict(`image ${id} is used`);
        if (danglingOnly && engine.images.get(id).names.length > 0) throw conflict(`image ${id} has a name`);
        return [];
      },
    });
  } catch (error) {
    if (hasCode(error, "conflict") || hasCode(error, "not-found")) return undefined;
    throw error;
  }
}
