// SPDX-License-Identifier: Apache-2.0
// CRI's ImageService: each call in a file of its own.

import type { ImageService } from "../../../gen/runtime/v1/api_pb.js";
import type { ServiceHandlers } from "../grpc/service.ts";
import type { CriImageDeps } from "./deps.ts";
import { imageFsInfo } from "./image-fs-info.ts";
import { imageStatus } from "./image-status.ts";
import { listImages } from "./list-images.ts";
import { pullImage } from "./pull-image.ts";
import { removeImage } from "./remove-image.ts";
import { streamImages } from "./stream-images.ts";

export type { CriImageDeps } from "./deps.ts";

export function imageService(deps: CriImageDeps): ServiceHandlers<typeof ImageService> {
  return {
    listImages: (request) => listImages(deps, request),
    streamImages: (request, context) => streamImages(deps, request, context),
    imageStatus: (request) => imageStatus(deps, request),
    pullImage: (request, context) => pullImage(deps, request, context),
    removeImage: (request, context) => removeImage(deps, request, context),
    imageFsInfo: (request, context) => imageFsInfo(deps, request, context),
  };
}
