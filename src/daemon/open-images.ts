// SPDX-License-Identifier: Apache-2.0
// Images: content, snapshots, names, transfers and the collection of what nobody needs.

import path from "node:path";
import type { ImageTransfer } from "../api/engine/images/service.ts";
import { KeyedLock } from "../base/keyed-lock.ts";
import type { Logger } from "../base/log.ts";
import { version } from "../base/version.ts";
import { ContentRecords } from "../core/content/content-records.ts";
import { ContentReferences } from "../core/content/references.ts";
import { GarbageCollector, type GarbageRoot } from "../core/gc/garbage-collector.ts";
import { ImageService } from "../core/images/image-service.ts";
import { openSnapshotRecords } from "../core/snapshots/snapshot-records.ts";
import type { Snapshotter } from "../core/snapshots/snapshotter.ts";
import { Puller } from "../core/transfer/puller.ts";
import { Pusher } from "../core/transfer/pusher.ts";
import { LocalContentStore } from "../drivers/content/local/local-content-store.ts";
import { createHttpRegistry } from "../drivers/registry/http/http-registry.ts";
import { openOverlaySnapshotter } from "../drivers/snapshot/overlay/overlay-snapshotter.ts";
import { hostPlatform } from "../oci/image/platform.ts";
import type { DaemonConfig } from "./config.ts";
import type { Metadata } from "./open-metadata.ts";
import { workerUrl } from "./program-files.ts";

export interface Images extends AsyncDisposable {
  readonly images: ImageService;
  readonly snapshotter: Snapshotter;
  readonly transfer: ImageTransfer;
}

export async function openImages(config: DaemonConfig, metadata: Metadata, logger: Logger): Promise<Images> {
  const { store, registry, leases, events, pins, host } = metadata;
  await using undo = new AsyncDisposableStack();
  const content = await LocalContentStore.open({
    root: path.join(config.root, "content"),
    records: new ContentRecords({ store }),
    logger: logger.child({ scope: "content/local" }),
  });
  const references = new ContentReferences({ store });
  const snapshotter = undo.use(
    await openOverlaySnapshotter({
      records: openSnapshotRecords(store, "overlay"),
      root: path.join(config.root, "snapshots"),
      logger: logger.child({ scope: "snapshot/overlay" }),
      workerUrl: workerUrl("overlay-snapshotter"),
    }),
  );
  const snapshotLocks = new KeyedLock();
  const collector = new GarbageCollector({
    store,
    content,
    snapshotter,
    leases,
    snapshotLocks,
    roots: function* (): Iterable<GarbageRoot> {
      for (const record of registry.list()) {
        yield { kind: "snapshot", id: record.snapshotKey };
        yield { kind: "content", id: record.imageId };
        for (const { image } of record.mounts) if (image !== undefined) yield { kind: "content", id: image.id };
      }
      for (const digest of pins.digests()) yield { kind: "content", id: digest };
    },
    logger: logger.child({ scope: "core/gc" }),
  });
  const platform = hostPlatform(host.architecture);
  const images = await ImageService.open({
    store,
    content,
    references,
    snapshotter,
    leases,
    snapshotLocks,
    events,
    platform,
    collect: async (options) => await collector.collect(options),
    logger: logger.child({ scope: "core/images" }),
  });
  const client = undo.use(
    createHttpRegistry({
      log: logger.child({ scope: "registry/http" }),
      userAgent: `berth/${version}`,
      configPaths: config.registry.configPaths,
      plainHttp: config.registry.insecure,
      environment: process.env,
    }),
  );
  const transfer: ImageTransfer = {
    registry: client,
    puller: new Puller({
      registry: client,
      content,
      images,
      leases,
      events,
      platform,
      progressTimeoutMs: config.registry.progressTimeoutMs,
    }),
    pusher: new Pusher({ registry: client, content, images, leases, events }),
    archives: { content, images, leases, platform },
  };
  const resources = undo.move();
  return { images, snapshotter, transfer, [Symbol.asyncDispose]: async () => await resources.disposeAsync() };
}
