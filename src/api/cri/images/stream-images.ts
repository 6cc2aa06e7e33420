// SPDX-License-Identifier: Apache-2.0

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { StreamImagesRequest, StreamImagesResponseSchema } from "../../../gen/runtime/v1/api_pb.js";
import type { CriImageDeps } from "./deps.ts";
import { imagesOf } from "./list-images.ts";

/** Far below any client's limit for a message. */
const imagesPerMessage = 100;

/** What listImages answers, in pieces; each image is in one of them, also when images change meanwhile. */
export async function* streamImages(
  deps: CriImageDeps,
  { filter }: StreamImagesRequest,
  { signal }: { readonly signal: AbortSignal },
): AsyncGenerator<MessageInitShape<typeof StreamImagesResponseSchema>> {
  const images = imagesOf(deps, filter);
  for (let first = 0; first < images.length; first += imagesPerMessage) {
    signal.throwIfAborted();
    yield await Promise.resolve({ images: images.slice(first, first + imagesPerMessage) });
  }
}
