// SPDX-License-Identifier: Apache-2.0
// Reads the documents behind a name: an index if there is one, the manifest for this machine, its configuration. Blobs
// never change, so what was read once is true for as long as they are here.

import type { Digest } from "../../base/digest.ts";
import { notFound, toEngineError } from "../../base/errors.ts";
import { type Descriptor, isIndex, type Platform } from "../../oci/image/descriptor.ts";
import type { ImageConfig, Index, Manifest } from "../../oci/image/documents.ts";
import {
  checkIndexDepth,
  checkUnpackable,
  maximumConfigBytes,
  maximumManifestBytes,
  parseImageConfig,
  parseIndex,
  parseManifest,
} from "../../oci/image/parse-documents.ts";
import { selectManifest } from "../../oci/image/platform.ts";
import type { ContentStore } from "../content/content.ts";

export interface LoadedImage {
  readonly target: Descriptor;
  readonly manifest: Descriptor;
  readonly config: ImageConfig;
  readonly configDescriptor: Descriptor;
  readonly layers: readonly Descriptor[];
  /** The references that the documents read on the way have to others. */
  readonly edges: readonly { readonly from: Digest; readonly to: readonly Digest[] }[];
}

/** not-found when a document is missing, failed-precondition when it is not a container image. */
export async function loadImage(content: ContentStore, target: Descriptor, platform: Platform): Promise<LoadedImage> {
  try {
    const edges: { from: Digest; to: readonly Digest[] }[] = [];
    let manifestDescriptor = target;
    for (let depth = 1; isIndex(manifestDescriptor.mediaType); depth++) {
      checkIndexDepth(depth);
      const bytes = await content.read(manifestDescriptor.digest, { maximumBytes: maximumManifestBytes });
      const index = parseIndex(bytes, manifestDescriptor.mediaType);
      edges.push({ from: manifestDescriptor.digest, to: index.manifests.map(({ digest }) => digest) });
      manifestDescriptor = selectPresent(content, index, platform);
    }
    const manifest: Manifest = parseManifest(
      await content.read(manifestDescriptor.digest, { maximumBytes: maximumManifestBytes }),
      manifestDescriptor.mediaType,
    );
    checkUnpackable(manifest);
    const config = parseImageConfig(await content.read(manifest.config.digest, { maximumBytes: maximumConfigBytes }));
    checkUnpackable(manifest, config);
    const { layers } = manifest;
    edges.push({ from: manifestDescriptor.digest, to: [manifest.config, ...layers].map(({ digest }) => digest) });
    return { target, manifest: manifestDescriptor, config, configDescriptor: manifest.config, layers, edges };
  } catch (error) {
    throw toEngineError(error, `read image ${target.digest}`);
  }
}

/** The manifest for the platform; when only another platform was pulled, that one. */
function selectPresent(content: ContentStore, index: Index, platform: Platform): Descriptor {
  const manifests = index.manifests.filter(({ digest }) => content.find(digest) !== undefined);
  if (manifests.length === 0) throw notFound("manifest", selectManifest(index, platform).digest);
  try {
    return selectManifest({ ...index, manifests }, platform);
  } catch (error) {
    const other = manifests.find((manifest) => manifest.platform !== undefined && manifest.platform.os !== "unknown");
    if (other === undefined) throw error;
    return other;
  }
}
