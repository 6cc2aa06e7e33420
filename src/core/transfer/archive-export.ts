// SPDX-License-Identifier: Apache-2.0
// Saves images as a tar that both worlds read: an OCI image layout (image-layout.md: oci-layout, index.json, blobs/) and
// beside it Docker's manifest.json, which names the same blobs. The same images always give the same bytes. Only this
// machine's platform of an image is saved, as the others are usually not here.

import { textToByteString } from "../../base/byte-string.ts";
import { digestAlgorithm, digestHex } from "../../base/digest.ts";
import { tarEnd, tarHeader, tarPadding } from "../../oci/archive/tar-writer.ts";
import type { Descriptor } from "../../oci/image/descriptor.ts";
import { mediaTypes } from "../../oci/image/descriptor.ts";
import { maximumManifestBytes, parseManifest } from "../../oci/image/parse-documents.ts";
import { familiarName, parseReference } from "../../oci/reference/reference.ts";
import type { ContentStore } from "../content/content.ts";
import { nameOf } from "../images/image-index.ts";
import type { Image, ImageService } from "../images/image-service.ts";
import type { LeaseManager } from "../leases/lease-manager.ts";

export interface ArchiveExportDeps {
  readonly content: ContentStore;
  readonly images: Pick<ImageService, "resolve">;
  readonly leases: LeaseManager;
}

interface SavedImage {
  readonly image: Image;
  readonly config: Descriptor;
  /** Normalised, those that were asked for. */
  readonly names: Set<string>;
}

const leaseLifetimeMs = 60 * 60 * 1000;

/** The archive with these images, by name or id; not-found before the first byte when one is not here. */
export async function* saveImages(
  deps: ArchiveExportDeps,
  texts: readonly string[],
  { signal }: { readonly signal: AbortSignal },
): AsyncGenerator<Uint8Array> {
  const saved = await chooseImages(deps, texts);
  const blobs = new Map<string, Descriptor>();
  for (const { image, config } of saved) {
    for (const blob of [image.manifest, config, ...image.layers]) blobs.set(blob.digest, blob);
  }
  await using lease = await deps.leases.create({ expiresIn: leaseLifetimeMs });
  await lease.add(...[...blobs.keys()].map((id) => ({ kind: "content", id }) as const));
  yield directory("blobs/");
  for (const algorithm of new Set([...blobs.values()].map(({ digest }) => digestAlgorithm(digest)))) {
    yield directory(`blobs/${algorithm}/`);
  }
  for (const blob of blobs.values()) {
    yield tarHeader({ path: blobPath(blob), kind: "file", mode: 0o444, size: blob.size });
    yield* deps.content.open(blob.digest, { signal });
    yield tarPadding(blob.size);
  }
  yield document("index.json", indexOf(saved));
  yield document("manifest.json", dockerManifestOf(saved));
  yield document("oci-layout", { imageLayoutVersion: "1.0.0" });
  yield tarEnd();
}

async function chooseImages(deps: ArchiveExportDeps, texts: readonly string[]): Promise<readonly SavedImage[]> {
  const saved = new Map<string, SavedImage>();
  for (const text of texts) {
    const image = deps.images.resolve(text);
    const chosen = saved.get(image.id) ?? {
      image,
      config: await configOf(deps.content, image),
      names: new Set<string>(),
    };
    saved.set(image.id, chosen);
    const name = nameOf(text);
    if (name !== undefined && image.names.includes(name)) chosen.names.add(name);
  }
  return [...saved.values()];
}

async function configOf(content: ContentStore, image: Image): Promise<Descriptor> {
  const bytes = await content.read(image.manifest.digest, { maximumBytes: maximumManifestBytes });
  return parseManifest(bytes, image.manifest.mediaType).config;
}

function indexOf(saved: readonly SavedImage[]): object {
  const manifests = saved.flatMap(({ image, names }) => {
    const { mediaType, digest, size } = image.manifest;
    const { os, architecture, variant } = image.config;
    const descriptor = { mediaType, digest, size, platform: { architecture, os, ...(variant && { variant }) } };
    if (names.size === 0) return [descriptor];
    return [...names].map((name) => ({
      ...descriptor,
      annotations: {
        "io.containerd.image.name": name,
        "org.opencontainers.image.ref.name": parseReference(name).tag ?? "latest",
      },
    }));
  });
  return { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests };
}

function dockerManifestOf(saved: readonly SavedImage[]): object {
  return saved.map(({ image, config, names }) => ({
    Config: blobPath(config),
    RepoTags: names.size === 0 ? null : [...names].map((name) => familiarName(parseReference(name))),
    Layers: image.layers.map(blobPath),
  }));
}

function blobPath({ digest }: Descriptor): string {
  return `blobs/${digestAlgorithm(digest)}/${digestHex(digest)}`;
}

function directory(path: string): Uint8Array {
  return tarHeader({ path, kind: "directory", mode: 0o755 });
}

function document(path: string, value: object): Uint8Array {
  const bytes = Buffer.from(JSON.stringify(value));
  const header = tarHeader({ path: textToByteString(path), kind: "file", mode: 0o444, size: bytes.length });
  return Buffer.concat([header, bytes, tarPadding(bytes.length)]);
}
