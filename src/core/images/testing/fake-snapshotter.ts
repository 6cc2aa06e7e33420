// SPDX-License-Identifier: Apache-2.0
// A snapshotter without a file system: it keeps the tree of snapshots and its rules, for tests of what stands above it.

import { alreadyExists, failedPrecondition, notFound } from "../../../base/errors.ts";
import type { Mount } from "../../mounts/mount.ts";
import type {
  ApplyOptions,
  LayerSource,
  SnapshotChange,
  SnapshotInfo,
  SnapshotKind,
  Snapshotter,
} from "../../snapshots/snapshotter.ts";

export class FakeSnapshotter implements Snapshotter {
  readonly id = "fake";
  readonly root = "/nowhere";
  /** What apply was asked for and had to do. */
  readonly applied: { readonly name: string; readonly parent: string | undefined; readonly layer: LayerSource }[] = [];
  readonly #snapshots = new Map<string, SnapshotInfo>();

  find(key: string): SnapshotInfo | undefined {
    return this.#snapshots.get(key);
  }

  walk(): Iterable<SnapshotInfo> {
    return [...this.#snapshots.values()];
  }

  /** Makes one of any kind without ceremony. */
  add(key: string, kind: SnapshotKind, parent?: string): void {
    const usage = { bytes: 1, inodes: 1 };
    this.#snapshots.set(key, { key, kind, createdAt: Date.now(), usage, ...(parent !== undefined && { parent }) });
  }

  prepare(key: string, parent: string | undefined): Promise<readonly Mount[]> {
    return this.#make(key, "active", parent);
  }

  view(key: string, parent: string): Promise<readonly Mount[]> {
    return this.#make(key, "view", parent);
  }

  mounts(): Promise<readonly Mount[]> {
    return Promise.resolve([]);
  }

  async commit(name: string, key: string): Promise<void> {
    const active = this.#snapshots.get(key);
    if (active === undefined) throw notFound("snapshot", key);
    await this.#make(name, "committed", active.parent);
    this.#snapshots.delete(key);
  }

  async apply(name: string, parent: string | undefined, layer: LayerSource, options: ApplyOptions): Promise<void> {
    if (this.#snapshots.has(name)) return;
    options.onProgress?.(layer.size / 2);
    // Long enough for another one to come in between.
    await new Promise((resolve) => setImmediate(resolve));
    options.signal.throwIfAborted();
    options.onProgress?.(layer.size);
    await this.#make(name, "committed", parent);
    this.applied.push({ name, parent, layer });
  }

  usage(): Promise<{ bytes: number; inodes: number }> {
    return Promise.resolve({ bytes: 1, inodes: 1 });
  }

  writeDiff(): Promise<void> {
    return Promise.reject(failedPrecondition("snapshots without files have no differences"));
  }

  changes(): Promise<readonly SnapshotChange[]> {
    return Promise.resolve([]);
  }

  remove(key: string): Promise<void> {
    for (const { parent } of this.#snapshots.values()) {
      if (parent === key) return Promise.reject(failedPrecondition(`snapshot ${key} has children`));
    }
    this.#snapshots.delete(key);
    return Promise.resolve();
  }

  recover(): Promise<void> {
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  #make(key: string, kind: SnapshotKind, parent: string | undefined): Promise<readonly Mount[]> {
    if (this.#snapshots.has(key)) return Promise.reject(alreadyExists("snapshot", key));
    if (parent !== undefined && this.#snapshots.get(parent)?.kind !== "committed") {
      return Promise.reject(notFound("snapshot", parent));
    }
    this.add(key, kind, parent);
    return Promise.resolve([]);
  }
}
