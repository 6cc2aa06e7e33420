// SPDX-License-Identifier: Apache-2.0
// What images take on disk: the blobs that are stored and the layers that are unpacked. Images share both.

import { chainIds } from "../images/chain-id.ts";
import type { Image } from "../images/image.ts";
import type { Engine } from "../lifecycle/engine.ts";

/** Bytes of each blob and each snapshot, by what they are called. */
export type ImageParts = ReadonlyMap<string, number>;

/** All that the images take, each part once. */
export function imageParts({ snapshotter }: Pick<Engine, "snapshotter">, images: Iterable<Image>): ImageParts {
  const parts = new Map<string, number>();
  for (const { id, manifest, config, layers, size } of images) {
    const layerBytes = layers.reduce((sum, layer) => sum + layer.size, 0);
    for (const layer of layers) parts.set(layer.digest, layer.size);
    parts.set(manifest.digest, manifest.size);
    parts.set(id, size - layerBytes);
    for (const chainId of chainIds(config.rootfs.diff_ids)) {
      const bytes = snapshotter.find(chainId)?.usage?.bytes;
      if (bytes !== undefined) parts.set(`snapshot ${chainId}`, bytes);
    }
  }
  return parts;
}

export function sumOf(parts: ImageParts): number {
  return Array.from(parts.values()).reduce((sum, bytes) => sum + bytes, 0);
}
