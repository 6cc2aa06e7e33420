// SPDX-License-Identifier: Apache-2.0
// StorageService: each method parses its request, calls core and gives the answer as a message.

import type { ServiceImpl } from "@connectrpc/connect";
import type { Image } from "../../../core/images/image-service.ts";
import type { Engine } from "../../../core/lifecycle/engine.ts";
import { diskUsage, type UsageTotal } from "../../../core/prune/disk-usage.ts";
import { pruneContainers } from "../../../core/prune/prune-containers.ts";
import { pruneImages } from "../../../core/prune/prune-images.ts";
import type { StorageService } from "../../../gen/berth/engine/v1/storage_pb.js";
import { toContainerMessage } from "../containers/message.ts";
import { toImageMessage } from "../images/message.ts";
import { filtersOf } from "../messages.ts";
import { toVolumeMessage } from "../volumes/service.ts";

export interface StorageFacts {
  /** Whether the administrator wants the image to stay. */
  readonly isPinned: (image: Image) => boolean;
}

export function storageService(engine: Engine, { isPinned }: StorageFacts): ServiceImpl<typeof StorageService> {
  return {
    async diskUsage({ details }, { signal }) {
      const { images, containers, volumes } = await diskUsage(engine, { signal });
      const totals = {
        images: toTotalMessage(images.total),
        containers: toTotalMessage(containers.total),
        volumes: toTotalMessage(volumes.total),
      };
      if (!details) return totals;
      return {
        ...totals,
        imageDetails: images.details.map(({ object, bytes, sharedBytes }) => ({
          image: toImageMessage(engine, object),
          sizeBytes: BigInt(bytes),
          sharedBytes: BigInt(sharedBytes),
        })),
        containerDetails: containers.details.map(({ object, bytes }) =>
          toContainerMessage(engine, object, { rw: bytes, root: bytes }),
        ),
        volumeDetails: volumes.details.map(({ object, bytes }) => toVolumeMessage(engine.volumes, object, bytes)),
      };
    },
    async pruneContainers(request, { signal }) {
      const { removed, bytes } = await pruneContainers(engine, filtersOf(request.filters), { signal });
      return { ids: [...removed], reclaimedBytes: BigInt(bytes) };
    },
    async pruneImages(request, { signal }) {
      const { removed, bytes } = await pruneImages(engine, filtersOf(request.filters), { isPinned, signal });
      return {
        untagged: removed.flatMap((line) => ("untagged" in line ? [line.untagged] : [])),
        deleted: removed.flatMap((line) => ("deleted" in line ? [line.deleted] : [])),
        reclaimedBytes: BigInt(bytes),
      };
    },
  };
}

function toTotalMessage({ count, active, bytes, reclaimable }: UsageTotal) {
  return { count, active, sizeBytes: BigInt(bytes), reclaimableBytes: BigInt(reclaimable) };
}
