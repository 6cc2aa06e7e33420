// SPDX-License-Identifier: Apache-2.0
// Brings images in from archives: load() reads what `save` of Berth, Docker or an OCI tool wrote (an OCI image layout, or
// Docker's manifest.json with any of its layouts), and importFilesystem() makes an image of a root file system.
//
// Every file of an archive goes into the content store as it arrives, under a lease; what the archive's documents then do
// not need is left to garbage collection. A blob whose name is a digest must have it. Names are set last, when every
// image has been unpacked and so every layer's content has been checked: a load that fails changes no name.

import { createHash } from "node:crypto";
import { posix } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { byteStringToText } from "../../base/byte-string.ts";
import { type Digest, isDigest, sha256Digest } from "../../base/digest.ts";
import { EngineError, invalidArgument, toEngineError } from "../../base/errors.ts";
import { TarReader } from "../../oci/archive/tar-reader.ts";
import { type Descriptor, mediaTypes, type Platform } from "../../oci/image/descriptor.ts";
import type { ImageConfig } from "../../oci/image/documents.ts";
import type { ContentStore } from "../content/content.ts";
import type { Image, ImageService } from "../images/image-service.ts";
import { loadImage } from "../images/load-image.ts";
import type { Lease, LeaseManager } from "../leases/lease-manager.ts";
import { type ArchiveFiles, readLoadedArchive } from "./archive-documents.ts";
import { archiveSteps, decompressed } from "./archive-stream.ts";
import { parseImportChanges } from "./import-changes.ts";
import { type StoredBlob, storeBlob, storeDocument } from "./store-blob.ts";

export interface ArchiveImportDeps {
  readonly content: ContentStore;
  readonly images: Pick<ImageService, "put" | "unpack">;
  readonly leases: LeaseManager;
  /** This machine's. */
  readonly platform: Platform;
}

export interface LoadedArchiveImage {
  readonly image: Image;
  /** Normalised; none for an image that the archive gives no name. */
  readonly names: readonly string[];
}

export interface ImportOptions {
  /** Dockerfile instructions. */
  readonly changes: readonly string[];
  readonly message: string | undefined;
  /** This machine's by default. */
  readonly platform: Platform | undefined;
  /** Normalised, with a tag; an image without a name otherwise. */
  readonly reference: string | undefined;
  readonly signal: AbortSignal;
}

const leaseLifetimeMs = 60 * 60 * 1000;
const maximumFiles = 10_000;

/** Loads every image of the archive; data-loss for damaged content, invalid-argument for an archive of something else. */
export async function loadImages(
  deps: ArchiveImportDeps,
  source: AsyncIterable<Uint8Array>,
  { signal }: { readonly signal: AbortSignal },
): Promise<readonly LoadedArchiveImage[]> {
  try {
    await using lease = await deps.leases.create({ expiresIn: leaseLifetimeMs });
    const files = await storeFiles(deps.content, lease, decompressed(source, { signal }), signal);
    const found = await readLoadedArchive(deps, lease, files);
    for (const { target } of found) {
      const { configDescriptor, config, layers } = await loadImage(deps.content, target, deps.platform);
      requireBlobs(deps.content, layers);
      await deps.images.unpack({ id: configDescriptor.digest, config, layers }, { signal });
    }
    const loaded: LoadedArchiveImage[] = [];
    for (const { target, names } of found) {
      let image = names.length === 0 ? await deps.images.put(undefined, target) : undefined;
      for (const name of names) image = await deps.images.put(name, target);
      if (image !== undefined) loaded.push({ image, names });
    }
    return loaded;
  } catch (error) {
    throw toEngineError(error, "load the archive");
  }
}

/** Makes an image with one layer of a root file system's tar, which may be compressed. */
export async function importFilesystem(
  deps: ArchiveImportDeps,
  source: AsyncIterable<Uint8Array>,
  { changes, message, platform, reference, signal }: ImportOptions,
): Promise<Image> {
  const defaults = parseImportChanges(changes);
  try {
    await using lease = await deps.leases.create({ expiresIn: leaseLifetimeMs });
    const { layer, diffId } = await storeLayer(deps.content, lease, decompressed(source, { signal }), signal);
    const created = new Date().toISOString();
    const config: ImageConfig = {
      created,
      ...(platform ?? deps.platform),
      config: defaults,
      rootfs: { type: "layers", diff_ids: [diffId] },
      history: [{ created, comment: message ?? "imported from a tar archive" }],
    };
    const configDescriptor = await storeDocument(deps.content, lease, mediaTypes.ociConfig, config);
    const manifest = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config: configDescriptor, layers: [layer] };
    const target = await storeDocument(deps.content, lease, mediaTypes.ociManifest, manifest);
    return await deps.images.put(reference, target);
  } catch (error) {
    throw toEngineError(error, "import the file system");
  }
}

async function storeFiles(
  content: ContentStore,
  lease: Lease,
  chunks: AsyncIterable<Buffer>,
  signal: AbortSignal,
): Promise<ArchiveFiles> {
  const blobs = new Map<string, StoredBlob>();
  const links = new Map<string, string>();
  const steps = archiveSteps(chunks);
  for (let next = await steps.next(); next.done !== true; next = await steps.next()) {
    signal.throwIfAborted();
    if (next.value.step !== "entry") continue;
    const { entry } = next.value;
    const path = posix.resolve("/", byteStringToText(entry.path)).slice(1);
    if (blobs.size + links.size >= maximumFiles)
      throw invalidArgument(`the archive has more than ${maximumFiles} files`);
    if (entry.kind === "symlink") {
      links.set(path, posix.resolve("/", posix.dirname(path), byteStringToText(entry.linkTarget)).slice(1));
    } else if (entry.kind === "hard-link") {
      links.set(path, posix.resolve("/", byteStringToText(entry.linkTarget)).slice(1));
    } else if (entry.kind === "file") {
      const fill = async (write: (bytes: Uint8Array) => Promise<void>) => {
        for (let part = await steps.next(); part.done !== true; part = await steps.next()) {
          if (part.value.step !== "data") return;
          signal.throwIfAborted();
          await write(part.value.bytes);
        }
      };
      blobs.set(path, await storeBlob(content, lease, fill, digestOfPath(path)));
    }
  }
  return { blobs, links };
}

function digestOfPath(path: string): Digest | undefined {
  const match = /^blobs\/(sha256|sha512)\/([^/]+)$/.exec(path);
  if (match === null) return undefined;
  const digest = `${match[1]}:${match[2]}`;
  if (!isDigest(digest)) throw invalidArgument(`the archive's file ${path} is not named by a digest`);
  return digest;
}

function requireBlobs(content: ContentStore, layers: readonly Descriptor[]): void {
  for (const { digest } of layers) {
    if (content.find(digest) === undefined) {
      throw new EngineError("data-loss", `the archive is incomplete: it has no layer ${digest}`);
    }
  }
}

/** Stores an uncompressed layer compressed, once it is known to be a tar. */
export async function storeLayer(
  content: ContentStore,
  lease: Lease,
  chunks: AsyncIterable<Buffer>,
  signal: AbortSignal,
): Promise<{ readonly layer: Descriptor; readonly diffId: Digest }> {
  const hash = createHash("sha256");
  const reader = new TarReader({ entry: () => {}, data: () => {}, end: () => {} });
  async function* checked(): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      hash.update(chunk);
      reader.write(chunk);
      yield chunk;
    }
    reader.finish();
  }
  const { digest, size } = await storeBlob(content, lease, async (write) => {
    const sink = async (compressed: AsyncIterable<Uint8Array>) => {
      for await (const bytes of compressed) await write(bytes);
    };
    await pipeline(Readable.from(checked()), createGzip(), sink, { signal });
  });
  return { layer: { mediaType: mediaTypes.ociLayerGzip, digest, size }, diffId: sha256Digest(hash.digest("hex")) };
}
