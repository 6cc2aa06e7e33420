// SPDX-License-Identifier: Apache-2.0
// The documents of an image, from what its reference names down to the configuration for one platform: each fetched by
// its digest, checked, and kept in the content store.

import { EngineError } from "../../base/errors.ts";
import { type Descriptor, isIndex, type Platform } from "../../oci/image/descriptor.ts";
import type { ImageConfig, Manifest } from "../../oci/image/documents.ts";
import {
  checkIndexDepth,
  checkUnpackable,
  maximumConfigBytes,
  parseImageConfig,
  parseManifestDocument,
} from "../../oci/image/parse-documents.ts";
import { formatPlatform, matchPlatform, selectManifest } from "../../oci/image/platform.ts";
import { familiarName } from "../../oci/reference/reference.ts";
import { type FetchContext, type FetcherDeps, fetchBlob, fetchDocument, tooLarge } from "./fetcher.ts";

export interface FetchedImage {
  readonly manifest: Manifest;
  readonly config: ImageConfig;
}

export interface PlatformChoice {
  readonly platform: Platform;
  /** Whether the user named it: then an image without an index must be for it, too. */
  readonly isExplicit: boolean;
}

/** not-found when the image is for other platforms, failed-precondition when it is no image that can be run. */
export async function fetchImage(
  deps: FetcherDeps,
  context: FetchContext,
  target: Descriptor,
  { platform, isExplicit }: PlatformChoice,
): Promise<FetchedImage> {
  const manifest = await fetchManifestFor(deps, context, target, platform);
  checkUnpackable(manifest);
  const config = await fetchConfig(deps, context, manifest.config);
  checkUnpackable(manifest, config);
  if (isExplicit && !matchPlatform(platform, config)) {
    throw new EngineError(
      "not-found",
      `image with reference ${familiarName(context.reference)} was found but its platform (${formatPlatform(config)}) does not match the specified platform (${formatPlatform(platform)})`,
    );
  }
  return { manifest, config };
}

async function fetchManifestFor(
  deps: FetcherDeps,
  context: FetchContext,
  target: Descriptor,
  platform: Platform,
): Promise<Manifest> {
  let descriptor = target;
  for (let depth = 0; ; depth++) {
    const document = parseManifestDocument(await fetchDocument(deps, context, descriptor), descriptor.mediaType);
    if (document.kind === "manifest") return document.manifest;
    checkIndexDepth(depth + 1);
    descriptor = selectManifest(document.index, platform);
    if (isIndex(descriptor.mediaType)) checkIndexDepth(depth + 2);
  }
}

async function fetchConfig(deps: FetcherDeps, context: FetchContext, descriptor: Descriptor): Promise<ImageConfig> {
  if (descriptor.size > maximumConfigBytes) throw tooLarge("image config", descriptor, maximumConfigBytes);
  await fetchBlob(deps, context, descriptor, { onBytes: () => {}, onVerify: () => {} });
  return parseImageConfig(await deps.content.read(descriptor.digest, { maximumBytes: maximumConfigBytes }));
}
