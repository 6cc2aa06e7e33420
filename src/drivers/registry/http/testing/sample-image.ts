// SPDX-License-Identifier: Apache-2.0
// Documents and blobs for registry tests: right in form, without a real file system in them.

import { createHash } from "node:crypto";
import { parseDigest } from "../../../../base/digest.ts";
import type { FetchedManifest } from "../../../../core/transfer/registry.ts";
import { type Descriptor, mediaTypes } from "../../../../oci/image/descriptor.ts";

export interface SampleBlob {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

export function blobOf(bytes: Uint8Array, mediaType: string = mediaTypes.ociLayerGzip): SampleBlob {
  const digest = parseDigest(`sha256:${createHash("sha256").update(bytes).digest("hex")}`);
  return { descriptor: { mediaType, digest, size: bytes.byteLength }, bytes };
}

export function jsonBlob(value: unknown, mediaType: string): SampleBlob {
  return blobOf(new TextEncoder().encode(JSON.stringify(value)), mediaType);
}

/** An image of these layers; the config's diff ids are the digests of the layers as they are. */
export function imageOf(layers: readonly SampleBlob[]): {
  readonly config: SampleBlob;
  readonly manifest: FetchedManifest;
} {
  const config = jsonBlob(
    {
      os: "linux",
      architecture: "amd64",
      rootfs: { type: "layers", diff_ids: layers.map((layer) => layer.descriptor.digest) },
    },
    mediaTypes.ociConfig,
  );
  const manifest = jsonBlob(
    {
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      config: config.descriptor,
      layers: layers.map((layer) => layer.descriptor),
    },
    mediaTypes.ociManifest,
  );
  return { config, manifest };
}

export async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The bytes in pieces of 64 KiB. */
export async function* piecesOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < bytes.byteLength; offset += 65_536) yield bytes.subarray(offset, offset + 65_536);
}
