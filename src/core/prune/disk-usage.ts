// SPDX-License-Identifier: Apache-2.0
// What images, containers and volumes take on disk, and what of that could be had back.

import { hasCode } from "../../base/errors.ts";
import type { ContainerRecord } from "../containers/container.ts";
import type { Image } from "../images/image-service.ts";
import type { Engine } from "../lifecycle/engine.ts";
import type { VolumeRecord } from "../volumes/volume.ts";
import { imageParts, sumOf } from "./image-usage.ts";
import { imageUsers } from "./image-users.ts";

/** One object with what it takes; active: it is used, or it runs. */
export interface Measured<T> {
  readonly object: T;
  readonly bytes: number;
  readonly active: boolean;
}

/** The same; sharedBytes: of that what other images have too. */
export interface MeasuredImage extends Measured<Image> {
  readonly sharedBytes: number;
}

export interface UsageTotal {
  readonly count: number;
  readonly active: number;
  readonly bytes: number;
  /** What a prune of all that is not active would give back. */
  readonly reclaimable: number;
}

export interface DiskUsage {
  readonly images: { readonly total: UsageTotal; readonly details: readonly MeasuredImage[] };
  readonly containers: { readonly total: UsageTotal; readonly details: readonly Measured<ContainerRecord>[] };
  readonly volumes: { readonly total: UsageTotal; readonly details: readonly Measured<VolumeRecord>[] };
}

/** Measures now; what vanishes meanwhile is left out. */
export async function diskUsage(engine: Engine, { signal }: { readonly signal: AbortSignal }): Promise<DiskUsage> {
  const containers = await measureAll(
    engine.registry.list(),
    async ({ snapshotKey }) => (await engine.snapshotter.usage(snapshotKey, { signal })).bytes,
    ({ id }) => engine.running.has(id),
  );
  const volumes = await measureAll(
    engine.volumes.list(),
    async ({ name }) => await engine.volumes.usage(name, { signal }),
    ({ name }) => engine.volumes.usersOf(name).length > 0,
  );
  return {
    images: imageUsage(engine),
    containers: { total: totalOf(containers), details: containers },
    volumes: { total: totalOf(volumes), details: volumes },
  };
}

function imageUsage(engine: Engine): DiskUsage["images"] {
  const images = engine.images.list();
  const partsOf = new Map(images.map((image) => [image, imageParts(engine, [image])]));
  const owners = new Map<string, number>();
  for (const parts of partsOf.values()) for (const part of parts.keys()) owners.set(part, (owners.get(part) ?? 0) + 1);
  const details = images.map((object): MeasuredImage => {
    const parts = partsOf.get(object) ?? new Map<string, number>();
    const shared = new Map([...parts].filter(([part]) => (owners.get(part) ?? 0) > 1));
    const active = imageUsers(engine, object.id).length > 0;
    return { object, bytes: sumOf(parts), sharedBytes: sumOf(shared), active };
  });
  const active = details.filter((image) => image.active).map(({ object }) => object);
  // Each part once, however many images have it.
  const bytes = sumOf(imageParts(engine, images));
  const reclaimable = bytes - sumOf(imageParts(engine, active));
  return { total: { count: images.length, active: active.length, bytes, reclaimable }, details };
}

async function measureAll<T>(
  objects: readonly T[],
  measure: (object: T) => Promise<number>,
  isActive: (object: T) => boolean,
): Promise<readonly Measured<T>[]> {
  const measured: Measured<T>[] = [];
  for (const object of objects) {
    try {
      measured.push({ object, bytes: await measure(object), active: isActive(object) });
    } catch (error) {
      if (!hasCode(error, "not-found")) throw error;
    }
  }
  return measured;
}

function totalOf(measured: readonly Measured<unknown>[]): UsageTotal {
  const sum = (those: readonly Measured<unknown>[]) => those.reduce((bytes, one) => bytes + one.bytes, 0);
  return {
    count: measured.length,
    active: measured.filter(({ active }) => active).length,
    bytes: sum(measured),
    reclaimable: sum(measured.filter(({ active }) => !active)),
  };
}
