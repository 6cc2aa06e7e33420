// SPDX-License-Identifier: Apache-2.0

import type { Image, ImageService } from "../../../core/images/image-service.ts";
import type { SnapshotTotalsReader } from "../../../core/snapshots/snapshot-totals.ts";
import type { Snapshotter } from "../../../core/snapshots/snapshotter.ts";
import type { Puller } from "../../../core/transfer/puller.ts";

/** What the calls of CRI's ImageService work with. */
export interface CriImageDeps {
  readonly images: Pick<ImageService, "list" | "find" | "removeWhole">;
  readonly puller: Pick<Puller, "pull">;
  readonly snapshotter: Pick<Snapshotter, "root">;
  readonly totals: Pick<SnapshotTotalsReader, "read">;
  /** Whether the kubelet's clean-up must leave it alone. */
  readonly isPinned: (image: Image) => boolean;
}
