// SPDX-License-Identifier: Apache-2.0
// Garbage collection: what nothing leads to any more is removed.
//
// Roots are image records, live leases and what the daemon names (the containers' snapshots and images). From there the
// references of blobs lead on: index to manifests, manifest to configuration and layers, configuration to the snapshot
// of its top layer, snapshot to its parents. Marking and removing the records of blobs is one transaction, so a blob that
// came or was leased after it began is never touched; their bytes are freed after it. Committed snapshots go one at a
// time under the lock that unpacking takes; active ones and views belong to their containers and stay.

import type { Digest } from "../../base/digest.ts";
import { hasCode } from "../../base/errors.ts";
import { failpoint } from "../../base/failpoint.ts";
import { KeyedLock } from "../../base/keyed-lock.ts";
import type { Logger } from "../../base/log.ts";
import type { Reader, Store } from "../../storage/store.ts";
import type { ContentStore } from "../content/content.ts";
import { contentTable } from "../content/content-records.ts";
import { imageTable } from "../images/image.ts";
import type { LeaseManager } from "../leases/lease-manager.ts";
import type { SnapshotInfo, Snapshotter } from "../snapshots/snapshotter.ts";

/** Something that must stay: a blob by digest, or a snapshot by key or name. */
export interface GarbageRoot {
  readonly kind: "content" | "snapshot";
  readonly id: string;
}

export interface GarbageCollectorDeps {
  readonly store: Store;
  readonly content: ContentStore;
  readonly snapshotter: Snapshotter;
  readonly leases: LeaseManager;
  /** By the name of a committed snapshot; shared with the unpacker. */
  readonly snapshotLocks: KeyedLock;
  /** What containers use; read in one turn at the start of each collection. */
  readonly roots: () => Iterable<GarbageRoot>;
  readonly logger: Logger;
}

/** What a collection removed; bytes of blobs and of snapshots. */
export interface CollectionResult {
  readonly blobs: number;
  readonly bytes: number;
  readonly snapshots: number;
}

interface Garbage {
  readonly blobs: readonly { readonly digest: Digest; readonly size: number }[];
  /** Children before their parents. */
  readonly snapshots: readonly SnapshotInfo[];
}

/** An unfinished write that nobody leases is given up after a day. */
const ingestLifetimeMs = 24 * 60 * 60 * 1000;

/** Removes content and snapshots that nothing refers to any more; one collection at a time. */
export class GarbageCollector {
  readonly #deps: GarbageCollectorDeps;
  readonly #lock = new KeyedLock();

  constructor(deps: GarbageCollectorDeps) {
    this.#deps = deps;
  }

  /** One at a time; an aborted one leaves the rest to the next. */
  async collect({ signal }: { readonly signal: AbortSignal }): Promise<CollectionResult> {
    return await this.#lock.run("collect", () => this.#collect(signal), { signal });
  }

  async #collect(signal: AbortSignal): Promise<CollectionResult> {
    const { store, content, leases, logger } = this.#deps;
    await leases.sweep();
    const { blobs, snapshots } = await store.transaction((transaction): Garbage => {
      const garbage = this.#findGarbage(transaction);
      for (const { digest } of garbage.blobs) transaction.remove(contentTable, digest);
      return garbage;
    });
    await failpoint("gc.marked");
    // Their records are gone, so nobody would come back for the bytes before a restart: an abort does not stop this.
    for (const { digest } of blobs) await content.reclaim(digest);
    let removed = 0;
    let bytes = blobs.reduce((sum, { size }) => sum + size, 0);
    for (const snapshot of snapshots) {
      signal.throwIfAborted();
      if (!(await this.#removeSnapshot(snapshot))) continue;
      removed++;
      bytes += snapshot.usage?.bytes ?? 0;
    }
    await this.#removeStaleIngests(signal);
    const result = { blobs: blobs.length, bytes, snapshots: removed };
    if (result.blobs + result.snapshots > 0) logger.info(result, "collected garbage");
    return result;
  }

  #findGarbage(reader: Reader): Garbage {
    const reached = this.#mark(reader);
    const blobs = Array.from(reader.entries(contentTable))
      .filter(([digest]) => !reached.content.has(digest))
      .map(([digest, { size }]) => ({ digest: digest as Digest, size }));
    const snapshots = Array.from(this.#deps.snapshotter.walk())
      .filter(({ key, kind }) => kind === "committed" && !reached.snapshots.has(key))
      .map((snapshot) => ({ snapshot, depth: this.#ancestorsOf(snapshot.key).length }))
      .sort((a, b) => b.depth - a.depth)
      .map(({ snapshot }) => snapshot);
    return { blobs, snapshots };
  }

  #mark(reader: Reader): { readonly content: ReadonlySet<string>; readonly snapshots: ReadonlySet<string> } {
    const content = new Set<string>();
    const snapshots = new Set<string>();
    const pending: string[] = [];
    const keepContent = (digest: string) => {
      if (content.has(digest)) return;
      content.add(digest);
      pending.push(digest);
    };
    const keepSnapshot = (key: string) => {
      for (const ancestor of this.#ancestorsOf(key)) snapshots.add(ancestor);
    };
    for (const [, { target }] of reader.entries(imageTable)) keepContent(target.digest);
    for (const { kind, id } of [...this.#deps.leases.resources(reader), ...this.#deps.roots()]) {
      if (kind === "content") keepContent(id);
      if (kind === "snapshot") keepSnapshot(id);
    }
    for (const { key, kind } of this.#deps.snapshotter.walk()) if (kind !== "committed") keepSnapshot(key);
    for (let digest = pending.pop(); digest !== undefined; digest = pending.pop()) {
      const references = reader.find(contentTable, digest)?.references;
      references?.content.forEach(keepContent);
      references?.snapshots.forEach(keepSnapshot);
    }
    return { content, snapshots };
  }

  /** The snapshot and all that it stands on. */
  #ancestorsOf(key: string): string[] {
    const chain: string[] = [];
    for (let current: string | undefined = key; current !== undefined; ) {
      chain.push(current);
      current = this.#deps.snapshotter.find(current)?.parent;
    }
    return chain;
  }

  async #removeSnapshot({ key }: SnapshotInfo): Promise<boolean> {
    const { snapshotLocks, leases, snapshotter } = this.#deps;
    using _lock = await snapshotLocks.acquire(key);
    if (leases.holds({ kind: "snapshot", id: key })) return false;
    try {
      await snapshotter.remove(key);
      return true;
    } catch (error) {
      // Something was made on top of it meanwhile.
      if (hasCode(error, "failed-precondition")) return false;
      throw error;
    }
  }

  async #removeStaleIngests(signal: AbortSignal): Promise<void> {
    const { content, leases } = this.#deps;
    const oldest = Date.now() - ingestLifetimeMs;
    for await (const { reference, updatedAt } of content.walkIngests()) {
      signal.throwIfAborted();
      if (updatedAt >= oldest || leases.holds({ kind: "ingest", id: reference })) continue;
      try {
        await content.removeIngest(reference);
      } catch (error) {
        // Somebody went on with it meanwhile.
        if (!hasCode(error, "failed-precondition")) throw error;
      }
    }
  }
}
