// SPDX-License-Identifier: Apache-2.0
// Images for tests: real content in a temporary directory, metadata in memory, snapshots without a file system.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { KeyedLock } from "../../../base/keyed-lock.ts";
import { silentLogger } from "../../../base/log.ts";
import { LocalContentStore } from "../../../drivers/content/local/local-content-store.ts";
import { type Descriptor, mediaTypes, type Platform } from "../../../oci/image/descriptor.ts";
import type { ContainerDefaults } from "../../../oci/image/documents.ts";
import { openMemoryStore } from "../../../storage/memory/memory-store.ts";
import type { ContentStore } from "../../content/content.ts";
import { ContentRecords } from "../../content/content-records.ts";
import { ContentReferences } from "../../content/references.ts";
import { digestOf, storeBlob } from "../../content/testing/content-contract.ts";
import { EventBus } from "../../events/event-bus.ts";
import { LeaseManager } from "../../leases/lease-manager.ts";
import { ImageService } from "../image-service.ts";
import { FakeSnapshotter } from "./fake-snapshotter.ts";

export interface TestImage {
  /** The layers' contents; an image differs from another by these and its defaults. */
  readonly layers: readonly string[];
  readonly platform?: Platform;
  readonly defaults?: ContainerDefaults;
  /** RFC 3339. */
  readonly created?: string;
}

const linuxAmd64: Platform = { os: "linux", architecture: "amd64" };

async function store(content: ContentStore, mediaType: string, bytes: string): Promise<Descriptor> {
  return { mediaType, digest: await storeBlob(content, bytes), size: Buffer.byteLength(bytes) };
}

/** Stores an image's blobs; gives the descriptor of its manifest. */
export async function storeImage(content: ContentStore, image: TestImage): Promise<Descriptor> {
  const layers: Descriptor[] = [];
  for (const layer of image.layers) layers.push(await store(content, mediaTypes.ociLayer, layer));
  const config = {
    ...(image.platform ?? linuxAmd64),
    ...(image.created !== undefined && { created: image.created }),
    config: image.defaults ?? {},
    rootfs: { type: "layers", diff_ids: image.layers.map((layer) => digestOf(layer)) },
  };
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: await store(content, mediaTypes.ociConfig, JSON.stringify(config)),
    layers,
  };
  return await store(content, mediaTypes.ociManifest, JSON.stringify(manifest));
}

/** Stores an index of these manifests. */
export async function storeIndex(
  content: ContentStore,
  manifests: readonly (Descriptor & { readonly platform: Platform })[],
): Promise<Descriptor> {
  const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests };
  return await store(content, mediaTypes.ociIndex, JSON.stringify(index));
}

export type Collect = (options: { readonly signal: AbortSignal }) => Promise<unknown>;

/** An engine's images and what they stand on; disposing removes the directory. Nothing is collected but as told. */
export async function openImageWorld() {
  const root = await mkdtemp(path.join(tmpdir(), "berth-images-"));
  const metadata = openMemoryStore();
  const content = await LocalContentStore.open({
    root,
    records: new ContentRecords({ store: metadata }),
    logger: silentLogger,
  });
  const shared = {
    store: metadata,
    content,
    references: new ContentReferences({ store: metadata }),
    snapshotter: new FakeSnapshotter(),
    leases: new LeaseManager({ store: metadata }),
    snapshotLocks: new KeyedLock(),
    events: new EventBus(),
    logger: silentLogger,
  };
  let collect: Collect = () => Promise.resolve();
  /** As a new daemon does. */
  const reopen = () =>
    ImageService.open({ ...shared, platform: linuxAmd64, collect: async (options) => await collect(options) });
  return {
    ...shared,
    reopen,
    images: await reopen(),
    /** What happens after an image was deleted. */
    collectWith: (collectNow: Collect) => {
      collect = collectNow;
    },
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}
