// SPDX-License-Identifier: Apache-2.0
// Turns an image's layers into snapshots, one for each layer on top of the one below, named by their chain ids. A layer
// that several images share is unpacked once, also when they are unpacked at the same time.

import type { Digest } from "../../base/digest.ts";
import { assert } from "../../base/errors.ts";
import type { KeyedLock } from "../../base/keyed-lock.ts";
import type { Descriptor } from "../../oci/image/descriptor.ts";
import type { ContentStore } from "../content/content.ts";
import type { ContentReferences } from "../content/references.ts";
import type { LeaseManager } from "../leases/lease-manager.ts";
import type { Snapshotter } from "../snapshots/snapshotter.ts";
import { chainIds } from "./chain-id.ts";
import type { Image } from "./image.ts";

export interface UnpackerDeps {
  readonly content: ContentStore;
  readonly references: ContentReferences;
  readonly snapshotter: Snapshotter;
  readonly leases: LeaseManager;
  /** By chain id; shared with garbage collection. */
  readonly snapshotLocks: KeyedLock;
}

export interface UnpackOptions {
  readonly signal: AbortSignal;
  /** Bytes of this layer's blob unpacked so far; all of them for one that is there already. */
  readonly onProgress?: (layer: Descriptor, bytes: number) => void;
  /** Awaited before each layer, lowest first: a pull lets a layer be unpacked when its blob is there. */
  readonly ready?: (layer: Descriptor) => Promise<void>;
}

/** What unpacking needs of an image; its configuration is in the content store. */
export type UnpackableImage = Pick<Image, "id" | "config" | "layers">;

/** How long the snapshots of an unpacking that was killed wait for the next try. */
const leaseLifetimeMs = 60 * 60 * 1000;

/** The name of the snapshot with all layers; undefined for an image without layers. */
export async function unpackImage(
  deps: UnpackerDeps,
  image: UnpackableImage,
  { signal, onProgress, ready }: UnpackOptions,
): Promise<Digest | undefined> {
  const { references, snapshotter, leases } = deps;
  const diffIds = image.config.rootfs.diff_ids;
  const chain = chainIds(diffIds);
  const top = chain.at(-1);
  if (top === undefined || isUnpacked(deps, image, top)) return top;
  await using lease = await leases.create({ expiresIn: leaseLifetimeMs });
  await lease.add(...chain.map((id) => ({ kind: "snapshot", id }) as const));
  for (const [index, layer] of image.layers.entries()) {
    const [name, diffId] = [chain[index], diffIds[index]];
    assert(name !== undefined && diffId !== undefined, `image ${image.id} has a diff id for each layer`);
    await ready?.(layer);
    using _lock = await deps.snapshotLocks.acquire(name, { signal });
    if (snapshotter.find(name) === undefined) {
      const { digest, mediaType, size } = layer;
      const source = { digest, mediaType, size, path: deps.content.localPath(digest), diffId };
      const report = onProgress === undefined ? {} : { onProgress: (bytes: number) => onProgress(layer, bytes) };
      await snapshotter.apply(name, chain[index - 1], source, { signal, ...report });
    }
    onProgress?.(layer, layer.size);
  }
  await references.set(image.id, { snapshots: [top] });
  return top;
}

/** Whether its snapshots are there and kept by the image itself. */
function isUnpacked({ references, snapshotter }: UnpackerDeps, image: UnpackableImage, top: Digest): boolean {
  return snapshotter.find(top) !== undefined && references.get(image.id)?.snapshots.includes(top) === true;
}
