// SPDX-License-Identifier: Apache-2.0
// How an image came to be: the steps that its configuration tells of, with what each added.

import type { Digest } from "../../base/digest.ts";
import type { History } from "../../oci/image/documents.ts";
import type { Snapshotter } from "../snapshots/snapshotter.ts";
import { chainIds } from "./chain-id.ts";
import type { Image } from "./image.ts";

export interface HistoryStep {
  /** Of the image that this step made: known of the newest step alone. */
  readonly id?: Digest;
  /** Normalised names of that image. */
  readonly names: readonly string[];
  /** Milliseconds since 1970; undefined when the image does not say. */
  readonly createdAt: number | undefined;
  readonly createdBy: string;
  readonly author: string;
  readonly comment: string;
  /** What the step's layer takes unpacked, or as its blob when it is not unpacked. */
  readonly size: number;
  readonly isEmptyLayer: boolean;
}

/** Newest first. Layers that the history does not tell of get steps without words. */
export function imageHistory(image: Image, snapshotter: Pick<Snapshotter, "find">): readonly HistoryStep[] {
  const chain = chainIds(image.config.rootfs.diff_ids);
  const told = image.config.history ?? [];
  const untold = chain.length - told.filter((step) => step.empty_layer !== true).length;
  const steps: History[] = [...Array.from({ length: Math.max(0, untold) }, () => ({})), ...told];
  let layer = 0;
  const oldestFirst = steps.map((step): Omit<HistoryStep, "id" | "names"> => {
    const isEmptyLayer = step.empty_layer === true;
    const index = isEmptyLayer ? undefined : layer++;
    const createdAt = Date.parse(step.created ?? "");
    return {
      createdAt: Number.isNaN(createdAt) ? undefined : createdAt,
      createdBy: step.created_by ?? "",
      author: step.author ?? "",
      comment: step.comment ?? "",
      size:
        index === undefined
          ? 0
          : (snapshotter.find(chain[index] ?? "")?.usage?.bytes ?? image.layers[index]?.size ?? 0),
      isEmptyLayer,
    };
  });
  return oldestFirst
    .toReversed()
    .map((step, index) => (index === 0 ? { ...step, id: image.id, names: image.names } : { ...step, names: [] }));
}
