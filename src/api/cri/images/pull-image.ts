// SPDX-License-Identifier: Apache-2.0

import type { MessageInitShape } from "@bufbuild/protobuf";
import { EngineError, hasCode, invalidArgument, messageOf } from "../../../base/errors.ts";
import type { PullImageRequest, PullImageResponseSchema } from "../../../gen/runtime/v1/api_pb.js";
import { parseReference } from "../../../oci/reference/reference.ts";
import { credentialsFor } from "./credentials.ts";
import type { CriImageDeps } from "./deps.ts";

/** Pulls for this machine's platform; the id in the answer is the one that every other call reports. */
export async function pullImage(
  { puller }: CriImageDeps,
  { image, auth }: PullImageRequest,
  { signal }: { readonly signal: AbortSignal },
): Promise<MessageInitShape<typeof PullImageResponseSchema>> {
  const text = image?.image ?? "";
  if (text === "") throw invalidArgument("the request names no image");
  const credentials = credentialsFor(parseReference(text), auth);
  try {
    const pulled = await puller.pull(text, { credentials, signal });
    return { imageRef: pulled.image.id };
  } catch (error) {
    throw hasCode(error, "unavailable") ? registryUnavailable(error) : error;
  }
}

/** What the kubelet tells its users apart by: it looks at the message's beginning, and only where the code is UNKNOWN. */
function registryUnavailable(error: unknown): EngineError {
  return new EngineError("unknown", `RegistryUnavailable: ${messageOf(error)}`, { cause: error });
}
