// SPDX-License-Identifier: Apache-2.0
// Makes an image of another one and a layer on top of it.

import { EngineError, toEngineError } from "../../base/errors.ts";
import { type Descriptor, mediaTypes } from "../../oci/image/descriptor.ts";
import type { ContainerDefaults, ImageConfig } from "../../oci/image/documents.ts";
import type { Image } from "../images/image-service.ts";
import { type ArchiveImportDeps, storeLayer } from "./archive-import.ts";
import { storeDocument } from "./store-blob.ts";

export interface CommitLayerOptions {
  readonly base: Image;
  readonly defaults: ContainerDefaults;
  readonly author: string;
  readonly message: string;
  /** What made the layer, for the history. */
  readonly createdBy: string;
  /** Normalised, with a tag; an image without a name otherwise. */
  readonly reference: string | undefined;
  readonly signal: AbortSignal;
}

const leaseLifetimeMs = 60 * 60 * 1000;

/** OCI's name for what Docker's manifests call otherwise: an OCI manifest has OCI layers. */
const ociNames: Readonly<Record<string, string>> = {
  [mediaTypes.dockerLayer]: mediaTypes.ociLayer,
  [mediaTypes.dockerLayerGzip]: mediaTypes.ociLayerGzip,
};

/** source: the layer's tar. data-loss when a layer of the base is not here any more. */
export async function commitLayer(
  deps: ArchiveImportDeps,
  source: AsyncIterable<Buffer>,
  { base, defaults, author, message, createdBy, reference, signal }: CommitLayerOptions,
): Promise<Image> {
  try {
    await using lease = await deps.leases.create({ expiresIn: leaseLifetimeMs });
    await lease.add(...base.layers.map(({ digest }) => ({ kind: "content", id: digest }) as const));
    for (const { digest } of base.layers) {
      if (deps.content.find(digest) === undefined) {
        throw new EngineError("data-loss", `layer ${digest} of image ${base.id} is gone`);
      }
    }
    const { layer, diffId } = await storeLayer(deps.content, lease, source, signal);
    const created = new Date().toISOString();
    const told = { ...(author !== "" && { author }), ...(message !== "" && { comment: message }) };
    const { author: _, ...inherited } = base.config;
    const config: ImageConfig = {
      ...inherited,
      ...(author !== "" && { author }),
      created,
      config: defaults,
      rootfs: { type: "layers", diff_ids: [...base.config.rootfs.diff_ids, diffId] },
      history: [...(base.config.history ?? []), { created, created_by: createdBy, ...told }],
    };
    const configDescriptor = await storeDocument(deps.content, lease, mediaTypes.ociConfig, config);
    const layers = [...base.layers.map(toOci), layer];
    const manifest = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config: configDescriptor, layers };
    const target = await storeDocument(deps.content, lease, mediaTypes.ociManifest, manifest);
    return await deps.images.put(reference, target, { signal });
  } catch (error) {
    throw toEngineError(error, "make the image");
  }
}

function toOci({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType: ociNames[mediaType] ?? mediaType, digest, size };
}
