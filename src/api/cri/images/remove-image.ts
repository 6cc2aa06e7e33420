// SPDX-License-Identifier: Apache-2.0

import type { MessageInitShape } from "@bufbuild/protobuf";
import { invalidArgument } from "../../../base/errors.ts";
import type { RemoveImageRequest, RemoveImageResponseSchema } from "../../../gen/runtime/v1/api_pb.js";
import type { CriImageDeps } from "./deps.ts";

/** Removes all its names and the image, whichever is given; containers of it go on. One that is not here is a success. */
export async function removeImage(
  { images }: CriImageDeps,
  { image }: RemoveImageRequest,
  { signal }: { readonly signal: AbortSignal },
): Promise<MessageInitShape<typeof RemoveImageResponseSchema>> {
  if (image === undefined || image.image === "") throw invalidArgument("the request names no image");
  await images.removeWhole(image.image, { signal });
  return {};
}
