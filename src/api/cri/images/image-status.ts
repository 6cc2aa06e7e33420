// SPDX-License-Identifier: Apache-2.0

import type { MessageInitShape } from "@bufbuild/protobuf";
import { chainIds } from "../../../core/images/chain-id.ts";
import type { Image } from "../../../core/images/image-service.ts";
import type { ImageStatusRequest, ImageStatusResponseSchema } from "../../../gen/runtime/v1/api_pb.js";
import type { CriImageDeps } from "./deps.ts";
import { toImageMessage } from "./image-message.ts";

/** By id, a prefix of one, tag or digest; an empty answer when it is not here. */
export async function imageStatus(
  { images, isPinned }: CriImageDeps,
  { image: spec, verbose }: ImageStatusRequest,
): Promise<MessageInitShape<typeof ImageStatusResponseSchema>> {
  const image = images.find(spec?.image ?? "");
  if (image === undefined) return await Promise.resolve({});
  return await Promise.resolve({ image: toImageMessage(image, isPinned), ...(verbose && { info: infoOf(image) }) });
}

/** One JSON text under "info", in which crictl's users find the configuration as imageSpec. */
function infoOf({ config }: Image): Record<string, string> {
  return { info: JSON.stringify({ chainID: chainIds(config.rootfs.diff_ids).at(-1) ?? "", imageSpec: config }) };
}
