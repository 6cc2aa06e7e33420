// SPDX-License-Identifier: Apache-2.0

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { SnapshotUsage } from "../../../core/snapshots/snapshotter.ts";
import type { FilesystemUsageSchema, ImageFsInfoResponseSchema } from "../../../gen/runtime/v1/api_pb.js";
import { toNanoseconds } from "../times.ts";
import type { CriImageDeps } from "./deps.ts";

/** One directory holds both: the layers of images, and the writable ones of containers. */
export async function imageFsInfo(
  { snapshotter, totals }: CriImageDeps,
  _request: unknown,
  { signal }: { readonly signal: AbortSignal },
): Promise<MessageInitShape<typeof ImageFsInfoResponseSchema>> {
  const { committed, writable, measuredAt } = await totals.read({ signal });
  const usage = ({ bytes, inodes }: SnapshotUsage): MessageInitShape<typeof FilesystemUsageSchema> => ({
    timestamp: toNanoseconds(measuredAt),
    fsId: { mountpoint: snapshotter.root },
    usedBytes: { value: BigInt(bytes) },
    inodesUsed: { value: BigInt(inodes) },
  });
  return { imageFilesystems: [usage(committed)], containerFilesystems: [usage(writable)] };
}
