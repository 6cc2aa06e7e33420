// SPDX-License-Identifier: Apache-2.0
// VolumeService: each method parses its request, calls core and gives the answer as a message.

import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { hasCode } from "../../../base/errors.ts";
import type { Engine } from "../../../core/lifecycle/engine.ts";
import { pruneVolumes } from "../../../core/prune/prune-volumes.ts";
import { createVolume } from "../../../core/volumes/create-volume.ts";
import type { VolumeRecord } from "../../../core/volumes/volume.ts";
import { volumeFilter } from "../../../core/volumes/volume-filter.ts";
import type { VolumeService as Volumes } from "../../../core/volumes/volume-service.ts";
import { type Volume, VolumeSchema, type VolumeService } from "../../../gen/berth/engine/v1/volume_pb.js";
import { filtersOf } from "../messages.ts";

export function volumeService({ volumes }: Engine): ServiceImpl<typeof VolumeService> {
  return {
    async create({ name, driver, options, labels }) {
      const volume = await createVolume(volumes, { name: name === "" ? undefined : name, driver, options, labels });
      return { volume: toVolumeMessage(volumes, volume) };
    },
    list(request) {
      const matches = volumeFilter(filtersOf(request.filters), volumes);
      return {
        volumes: volumes
          .list()
          .filter(matches)
          .map((volume) => toVolumeMessage(volumes, volume)),
      };
    },
    inspect(request) {
      return { volume: toVolumeMessage(volumes, volumes.get(request.volume)) };
    },
    async remove({ volume, force }) {
      try {
        await volumes.remove(volume);
      } catch (error) {
        if (!force || !hasCode(error, "not-found")) throw error;
      }
      return {};
    },
    async prune(request, { signal }) {
      const { removed, bytes } = await pruneVolumes(volumes, filtersOf(request.filters), { signal });
      return { names: [...removed], reclaimedBytes: BigInt(bytes) };
    },
  };
}

/** size: bytes, where they were measured. */
export function toVolumeMessage(volumes: Volumes, volume: VolumeRecord, size?: number): Volume {
  return create(VolumeSchema, {
    name: volume.name,
    driver: volumes.driverId,
    mountpoint: volume.path,
    labels: volume.labels,
    createdAt: timestampFromMs(volume.createdAt),
    anonymous: volume.anonymous,
    usedBy: [...volumes.usersOf(volume.name)],
    ...(size !== undefined && { sizeBytes: BigInt(size) }),
  });
}
