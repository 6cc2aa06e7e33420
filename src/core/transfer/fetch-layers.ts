// SPDX-License-Identifier: Apache-2.0
// The layers of an image: fetched a few at a time, lowest first, and unpacked in order as they come.

import type { Digest } from "../../base/digest.ts";
import { together } from "../../base/lifetime.ts";
import type { Descriptor } from "../../oci/image/descriptor.ts";
import type { ImageService } from "../images/image-service.ts";
import type { UnpackableImage } from "../images/unpacker.ts";
import { type FetchContext, type FetcherDeps, fetchBlob, isPresent } from "./fetcher.ts";
import { LayerProgress, type OnProgress } from "./progress.ts";
import { Slots } from "./slots.ts";

export interface LayerDeps extends FetcherDeps {
  readonly images: Pick<ImageService, "unpack">;
  /** How many layers of one image are fetched at once. */
  readonly parallelDownloads: number;
}

interface PendingLayer {
  readonly progress: LayerProgress;
  /** Resolves when the blob is here. */
  readonly fetched: Promise<void>;
  /** What clients know: nothing yet, work that must come to an end for them, or that end. */
  told: "nothing" | "working" | "complete";
}

/** Fetches and unpacks all layers; the first failure ends everything, and nothing goes on after this has returned. */
export async function fetchLayers(
  deps: LayerDeps,
  context: FetchContext,
  image: UnpackableImage,
  onProgress: OnProgress,
): Promise<void> {
  await together((signal) => {
    const inner = { ...context, signal };
    const layers = startFetching(deps, inner, image.layers, onProgress);
    return [...Array.from(layers.values(), ({ fetched }) => fetched), unpack(deps, inner, image, layers)];
  }, context);
}

/** A layer that stands in the image twice is fetched once. */
function startFetching(
  deps: LayerDeps,
  context: FetchContext,
  descriptors: readonly Descriptor[],
  onProgress: OnProgress,
): ReadonlyMap<Digest, PendingLayer> {
  const slots = new Slots(deps.parallelDownloads);
  const layers = new Map<Digest, PendingLayer>();
  const unique = descriptors.filter(
    (layer, position) => descriptors.findIndex(({ digest }) => digest === layer.digest) === position,
  );
  const missing = unique.filter((layer) => deps.content.find(layer.digest) === undefined);
  for (const layer of missing) new LayerProgress(layer, onProgress).status("Pulling fs layer");
  for (const layer of unique) {
    const progress = new LayerProgress(layer, onProgress);
    const isNews = missing.includes(layer);
    layers.set(layer.digest, {
      progress,
      told: isNews ? "working" : "nothing",
      fetched: fetchLayer(deps, context, layer, { progress, isNews, slots }),
    });
  }
  return layers;
}

async function fetchLayer(
  deps: LayerDeps,
  context: FetchContext,
  layer: Descriptor,
  { progress, isNews, slots }: { readonly progress: LayerProgress; readonly isNews: boolean; readonly slots: Slots },
): Promise<void> {
  if (!isNews) {
    await context.lease.add({ kind: "content", id: layer.digest });
    if (isPresent(deps.content, layer)) {
      progress.status("Already exists");
      return;
    }
  }
  if (slots.isFull) progress.status("Waiting");
  using _slot = await slots.acquire(context);
  await fetchBlob(deps, context, layer, {
    onBytes: (bytes) => progress.amount("Downloading", bytes),
    onVerify: () => progress.status("Verifying Checksum"),
  });
  progress.status("Download complete");
}

async function unpack(
  deps: LayerDeps,
  { signal }: FetchContext,
  image: UnpackableImage,
  layers: ReadonlyMap<Digest, PendingLayer>,
): Promise<void> {
  const complete = (layer: Descriptor | undefined) => {
    const pending = layer === undefined ? undefined : layers.get(layer.digest);
    if (pending?.told !== "working") return;
    pending.told = "complete";
    pending.progress.status("Pull complete");
  };
  let unpacking: Descriptor | undefined;
  await deps.images.unpack(image, {
    signal,
    ready: async (layer) => {
      complete(unpacking);
      unpacking = layer;
      await layers.get(layer.digest)?.fetched;
    },
    onProgress: (layer, bytes) => {
      const pending = layers.get(layer.digest);
      // A layer that was unpacked before is told of by its whole size alone.
      if (pending === undefined || pending.told === "complete" || bytes === layer.size) return;
      pending.told = "working";
      pending.progress.amount("Extracting", bytes);
    },
  });
  complete(unpacking);
  // Those whose snapshots were there already need no unpacking.
  for (const layer of image.layers) {
    await layers.get(layer.digest)?.fetched;
    complete(layer);
  }
}
