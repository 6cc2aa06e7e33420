// SPDX-License-Identifier: Apache-2.0
// An image as CRI's message.

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Image } from "../../../core/images/image-service.ts";
import type { ImageSchema } from "../../../gen/runtime/v1/api_pb.js";

export type ImageMessage = MessageInitShape<typeof ImageSchema>;

/** Dangling images too: the kubelet's clean-up knows only what is listed. */
export function toImageMessage(image: Image, isPinned: (image: Image) => boolean): ImageMessage {
  return {
    id: image.id,
    repoTags: [...image.names],
    repoDigests: [...image.repoDigests],
    size: BigInt(image.size),
    ...userOf(image.config.config?.User ?? ""),
    spec: { image: image.names[0] ?? image.repoDigests[0] ?? image.id },
    pinned: isPinned(image),
  };
}

const largestInt64 = 2n ** 63n - 1n;

/** The user of a configuration ("1003:1004", "www-data"): its id, or else its name; neither for the default, root. */
export function userOf(user: string): Pick<ImageMessage, "uid" | "username"> {
  const name = user.split(":", 1)[0] ?? "";
  if (!/^\d+$/.test(name) || BigInt(name) > largestInt64) return { username: name };
  return { uid: { value: BigInt(name) } };
}
