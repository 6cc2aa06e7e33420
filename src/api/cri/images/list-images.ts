// SPDX-License-Identifier: Apache-2.0

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ImageFilter, ListImagesRequest, ListImagesResponseSchema } from "../../../gen/runtime/v1/api_pb.js";
import type { CriImageDeps } from "./deps.ts";
import { type ImageMessage, toImageMessage } from "./image-message.ts";

export async function listImages(
  deps: CriImageDeps,
  { filter }: ListImagesRequest,
): Promise<MessageInitShape<typeof ListImagesResponseSchema>> {
  return await Promise.resolve({ images: imagesOf(deps, filter) });
}

/** All, or the one that the filter names. */
export function imagesOf({ images, isPinned }: CriImageDeps, filter: ImageFilter | undefined): ImageMessage[] {
  const wanted = filter?.image?.image ?? "";
  const found = wanted === "" ? images.list() : [images.find(wanted)].filter((image) => image !== undefined);
  return found.map((image) => toImageMessage(image, isPinned));
}
