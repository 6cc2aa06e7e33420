// SPDX-License-Identifier: Apache-2.0
// Puts images into a registry that speaks plain HTTP.

import { gzipSync } from "node:zlib";
import { blobOf, jsonBlob, type SampleBlob } from "../../../../src/drivers/registry/http/testing/sample-image.ts";
import { mediaTypes } from "../../../../src/oci/image/descriptor.ts";
import { architecture, type ImageDefinition } from "./definitions.ts";
import type { FileTree } from "./file-tree.ts";

interface Layer {
  /** Compressed. */
  readonly blob: SampleBlob;
  /** Of the uncompressed archive. */
  readonly diffId: string;
}

/** Base is http://host:port. */
export async function publishImages(
  base: string,
  images: readonly ImageDefinition[],
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  // Most images share their lowest layer.
  const packed = new Map<FileTree, Layer>();
  for (const image of images) {
    const layers = image.layers.map((tree) => {
      const layer = packed.get(tree) ?? pack(tree);
      packed.set(tree, layer);
      return layer;
    });
    await publish(base, image, layers, { signal });
  }
}

function pack(tree: FileTree): Layer {
  const archive = tree.layer();
  const { descriptor } = blobOf(archive);
  return { blob: blobOf(gzipSync(archive, { level: 1 })), diffId: descriptor.digest };
}

async function publish(
  base: string,
  { repository, tags, config: run }: ImageDefinition,
  layers: readonly Layer[],
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  const config = jsonBlob(
    {
      architecture,
      os: "linux",
      config: run,
      rootfs: { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) },
    },
    mediaTypes.ociConfig,
  );
  const manifest = jsonBlob(
    {
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      config: config.descriptor,
      layers: layers.map(({ blob }) => blob.descriptor),
    },
    mediaTypes.ociManifest,
  );
  for (const blob of [...layers.map((layer) => layer.blob), config]) await putBlob(base, repository, blob, { signal });
  for (const tag of tags) {
    const url = `${base}/v2/${repository}/manifests/${tag}`;
    await put(url, manifest.bytes, manifest.descriptor.mediaType, { signal });
  }
}

async function putBlob(
  base: string,
  repository: string,
  { descriptor, bytes }: SampleBlob,
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  const blobs = `${base}/v2/${repository}/blobs`;
  const present = await fetch(`${blobs}/${descriptor.digest}`, { method: "HEAD", signal });
  if (present.ok) return;
  const started = await fetch(`${blobs}/uploads/`, { method: "POST", signal });
  const location = started.headers.get("location");
  if (location === null) throw new Error(`the registry takes no upload to ${repository}: ${started.status}`);
  const target = new URL(location, base);
  target.searchParams.set("digest", descriptor.digest);
  await put(target.href, bytes, "application/octet-stream", { signal });
}

async function put(
  url: string,
  body: Uint8Array,
  mediaType: string,
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  const init = { method: "PUT", body: Buffer.from(body), headers: { "content-type": mediaType }, signal };
  const response = await fetch(url, init);
  if (!response.ok) throw new Error(`PUT ${url}: ${response.status} ${await response.text()}`);
}
