// SPDX-License-Identifier: Apache-2.0
// Snapshots as directories that the kernel's overlay file system stacks.
//
// <root>/<n>/fs is a snapshot's own layer and <root>/<n>/work the overlay's scratch directory, n a small number that is
// never used twice while anything of it is left. <root>/trash holds what is being deleted. A directory is made first and
// its record written last, after what it holds is on disk; a removal takes the record first. So a directory without a
// record is garbage at any moment, and recover() throws it away.
//
// The kernel takes up to 500 lower layers; option strings longer than a page are the mounter's to pass one by one.

import { existsSync } from "node:fs";
import { chmod, chown, lutimes, mkdir, readdir, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { alreadyExists, failedPrecondition, invalidArgument, notFound, toEngineError } from "../../../base/errors.ts";
import { failpoint } from "../../../base/failpoint.ts";
import { KeyedLock } from "../../../base/keyed-lock.ts";
import { TaskGroup } from "../../../base/lifetime.ts";
import type { Logger } from "../../../base/log.ts";
import type { Mount } from "../../../core/mounts/mount.ts";
import type { SnapshotRecord, SnapshotRecords } from "../../../core/snapshots/snapshot-records.ts";
import type {
  ApplyOptions,
  LayerSource,
  SnapshotChange,
  SnapshotInfo,
  Snapshotter,
  SnapshotUsage,
} from "../../../core/snapshots/snapshotter.ts";
import { hasErrno } from "../../../host/files/errno.ts";
import { WorkerPool } from "./worker/worker-pool.ts";

const maximumLowerLayers = 500;

export interface OverlaySnapshotterDeps {
  readonly records: SnapshotRecords;
  /** Created with mode 0700; on a file system that an overlay may write to. */
  readonly root: string;
  readonly logger: Logger;
  /** The entry of the worker threads: src/daemon/workers/overlay-snapshotter.ts or its bundle. */
  readonly workerUrl: URL;
}

/** Opens the snapshotter; call recover() before using it. */
export async function openOverlaySnapshotter(deps: OverlaySnapshotterDeps): Promise<Snapshotter> {
  if (/[,:\\]/.test(deps.root)) {
    throw invalidArgument(`the snapshots' directory ${deps.root} has a comma, colon or backslash in its name`);
  }
  try {
    await mkdir(join(deps.root, "trash"), { recursive: true, mode: 0o700 });
    await chmod(deps.root, 0o700);
    const numbers = [...(await readdir(deps.root)), ...(await readdir(join(deps.root, "trash")))].map(Number);
    const used = [...deps.records.walk()].map(([, record]) => record.id);
    const lastId = Math.max(0, ...used, ...numbers.filter(Number.isSafeInteger));
    return new OverlaySnapshotter(deps, lastId);
  } catch (error) {
    throw toEngineError(error, `open the snapshots in ${deps.root}`);
  }
}

class OverlaySnapshotter implements Snapshotter {
  readonly id = "overlay";
  readonly root: string;
  readonly #records: SnapshotRecords;
  readonly #pool: WorkerPool;
  readonly #background: TaskGroup;
  readonly #logger: Logger;
  readonly #locks = new KeyedLock();
  /** Directories that a running operation is still making. */
  readonly #making = new Set<number>();
  #lastId: number;

  constructor(deps: OverlaySnapshotterDeps, lastId: number) {
    this.#records = deps.records;
    this.root = deps.root;
    this.#logger = deps.logger;
    this.#lastId = lastId;
    this.#pool = new WorkerPool(deps.workerUrl);
    this.#background = new TaskGroup((error, name) => {
      // What is left in the trash goes at the next start.
      deps.logger.warn({ error, directory: name }, "could not delete the directory of a removed snapshot");
    });
  }

  find(key: string): SnapshotInfo | undefined {
    const record = this.#records.find(key);
    return record === undefined ? undefined : infoOf(key, record);
  }

  *walk(): Iterable<SnapshotInfo> {
    for (const [key, record] of this.#records.walk()) yield infoOf(key, record);
  }

  async prepare(
    key: string,
    parent: string | undefined,
    options: { readonly signal: AbortSignal },
  ): Promise<readonly Mount[]> {
    return await this.#create(key, { kind: "active", ...(parent === undefined ? {} : { parent }) }, options);
  }

  async view(key: string, parent: string, options: { readonly signal: AbortSignal }): Promise<readonly Mount[]> {
    return await this.#create(key, { kind: "view", parent }, options);
  }

  async mounts(key: string): Promise<readonly Mount[]> {
    const record = this.#records.find(key);
    if (record === undefined || record.kind === "committed") throw notFound("snapshot", key);
    return await Promise.resolve(this.#mountsOf(record));
  }

  async commit(name: string, key: string, options: { readonly signal: AbortSignal }): Promise<void> {
    const record = this.#records.find(key);
    if (record === undefined) throw notFound("snapshot", key);
    if (this.#records.find(name) !== undefined) throw alreadyExists("snapshot", name);
    const usage = await this.#pool.run({ kind: "seal", directory: this.#layer(record.id) }, options);
    await failpoint("snapshot/overlay/commit");
    await this.#records.commit(name, key, usage);
  }

  async apply(name: string, parent: string | undefined, layer: LayerSource, options: ApplyOptions): Promise<void> {
    const { signal } = options;
    using _held = await this.#locks.acquire(name, { signal });
    const existing = this.#records.find(name);
    if (existing?.kind === "committed") return;
    if (existing !== undefined) throw alreadyExists("snapshot", name);
    const lower = this.#lowerLayers(parent);
    await this.#inNewDirectory(lower[0], async (id) => {
      const { path: blob, digest, diffId } = layer;
      const directory = this.#layer(id);
      const usage = await this.#pool.run({ kind: "apply", blob, digest, diffId, directory, lower }, options);
      await failpoint("snapshot/overlay/apply");
      const parentField = parent === undefined ? {} : { parent };
      await this.#records.add(name, { id, kind: "committed", createdAt: Date.now(), usage, ...parentField });
    });
  }

  async usage(key: string, options: { readonly signal: AbortSignal }): Promise<SnapshotUsage> {
    const record = this.#records.find(key);
    if (record === undefined) throw notFound("snapshot", key);
    if (record.kind === "committed" && record.usage !== undefined) return record.usage;
    return await this.#pool.run({ kind: "measure", directory: this.#layer(record.id) }, options);
  }

  async writeDiff(
    key: string,
    file: string,
    { signal, omit = [] }: { readonly signal: AbortSignal; readonly omit?: readonly string[] },
  ): Promise<void> {
    const record = this.#records.find(key);
    if (record === undefined) throw notFound("snapshot", key);
    await this.#pool.run({ kind: "diff", directory: this.#layer(record.id), file, omit }, { signal });
  }

  async changes(key: string, options: { readonly signal: AbortSignal }): Promise<readonly SnapshotChange[]> {
    const record = this.#records.find(key);
    if (record === undefined) throw notFound("snapshot", key);
    const lower = this.#lowerLayers(record.parent);
    return await this.#pool.run({ kind: "changes", directory: this.#layer(record.id), lower }, options);
  }

  async remove(key: string): Promise<void> {
    const record = await this.#records.remove(key);
    if (record === undefined) return;
    await failpoint("snapshot/overlay/remove");
    await this.#discard(record.id);
  }

  async recover(): Promise<void> {
    try {
      const known = new Map([...this.#records.walk()].map(([key, record]) => [record.id, key]));
      for (const name of await readdir(this.root)) {
        if (name === "trash") continue;
        const id = Number(name);
        if (!/^[1-9]\d*$/.test(name)) throw failedPrecondition(`${join(this.root, name)} is not a snapshot of ours`);
        if (!known.delete(id) && !this.#making.has(id)) await this.#discard(id);
      }
      await this.#dropLost(known);
      for (const name of await readdir(join(this.root, "trash"))) this.#delete(name);
    } catch (error) {
      throw toEngineError(error, `recover the snapshots in ${this.root}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A deletion that is cut off here goes on at the next start.
    const ended = this.#background[Symbol.asyncDispose]();
    await this.#pool[Symbol.asyncDispose]();
    await ended;
  }

  async #create(
    key: string,
    request: { readonly kind: "active" | "view"; readonly parent?: string },
    { signal }: { readonly signal: AbortSignal },
  ): Promise<readonly Mount[]> {
    using _held = await this.#locks.acquire(key, { signal });
    if (this.#records.find(key) !== undefined) throw alreadyExists("snapshot", key);
    const [top] = this.#lowerLayers(request.parent);
    return await this.#inNewDirectory(top, async (id) => {
      await failpoint("snapshot/overlay/prepare");
      const record: SnapshotRecord = { id, createdAt: Date.now(), ...request };
      await this.#records.add(key, record);
      return this.#mountsOf(record);
    });
  }

  /** Makes the directory of a new snapshot and takes it away again when the work fails. */
  async #inNewDirectory<R>(top: string | undefined, work: (id: number) => Promise<R>): Promise<R> {
    const id = ++this.#lastId;
    this.#making.add(id);
    try {
      await this.#makeDirectory(id, top);
      return await work(id);
    } catch (error) {
      await this.#discard(id);
      throw toEngineError(error);
    } finally {
      this.#making.delete(id);
    }
  }

  async #makeDirectory(id: number, top: string | undefined): Promise<void> {
    const layer = this.#layer(id);
    await mkdir(join(this.root, String(id), "work"), { recursive: true, mode: 0o700 });
    await mkdir(layer, { mode: 0o755 });
    await chmod(layer, 0o755);
    if (top === undefined) return;
    // The overlay shows its upper layer's root directory: it must look like the parent's.
    const { mode, uid, gid, atime, mtime } = await stat(top);
    await chown(layer, uid, gid);
    await chmod(layer, mode & 0o7777);
    await lutimes(layer, atime, mtime);
  }

  /** Removes the records of snapshots whose directory is gone. */
  async #dropLost(lost: ReadonlyMap<number, string>): Promise<void> {
    if (lost.size > 0) this.#logger.warn({ snapshots: [...lost.values()] }, "snapshots have lost their directories");
    let remaining = [...lost.values()];
    while (remaining.length > 0) {
      // Children go before their parents; a child whose own directory is there keeps the parent's record.
      const results = await Promise.allSettled(remaining.map((key) => this.#records.remove(key)));
      const left = remaining.filter((_, index) => results[index]?.status === "rejected");
      if (left.length === remaining.length) return;
      remaining = left;
    }
  }

  /** Moves the directory out of sight and deletes it in the background. */
  async #discard(id: number): Promise<void> {
    const name = String(id);
    try {
      await rename(join(this.root, name), join(this.root, "trash", name));
    } catch (error) {
      if (hasErrno(error, "ENOENT")) return;
      throw toEngineError(error, `remove the directory of snapshot ${name}`);
    }
    this.#delete(name);
  }

  #delete(name: string): void {
    const parent = join(this.root, "trash");
    this.#background.run(name, async (signal) => {
      await this.#pool.run({ kind: "remove", parent, name }, { signal });
    });
  }

  #mountsOf(record: SnapshotRecord): readonly Mount[] {
    const lower = this.#lowerLayers(record.parent);
    const own = join(this.root, String(record.id));
    const [only] = lower;
    if (record.kind === "view") {
      if (lower.length === 1 && only !== undefined) return [{ type: "bind", source: only, options: ["rbind", "ro"] }];
      return [overlay([`lowerdir=${lower.join(":")}`, "ro"])];
    }
    if (only === undefined) return [{ type: "bind", source: join(own, "fs"), options: ["rbind", "rw"] }];
    return [overlay([`lowerdir=${lower.join(":")}`, `upperdir=${join(own, "fs")}`, `workdir=${join(own, "work")}`])];
  }

  /** The layers' directories from the parent down to the base. */
  #lowerLayers(parent: string | undefined): readonly string[] {
    const layers: string[] = [];
    for (let name = parent; name !== undefined; ) {
      const record = this.#records.find(name);
      if (record === undefined) throw notFound("snapshot", name);
      if (record.kind !== "committed") {
        throw failedPrecondition(`snapshot ${name} is not committed and cannot be a parent`);
      }
      layers.push(this.#layer(record.id));
      name = record.parent;
    }
    if (layers.length > maximumLowerLayers) {
      throw invalidArgument(
        `${layers.length} layers are more than the ${maximumLowerLayers} that an overlay can stack`,
      );
    }
    return layers;
  }

  #layer(id: number): string {
    return join(this.root, String(id), "fs");
  }
}

function overlay(options: readonly string[]): Mount {
  // An index would refuse a layer that was used with another upper directory before.
  const index = existsSync("/sys/module/overlay/parameters/index") ? ["index=off"] : [];
  return { type: "overlay", source: "overlay", options: [...index, ...options] };
}

function infoOf(key: string, { kind, parent, createdAt, usage }: SnapshotRecord): SnapshotInfo {
  return {
    key,
    kind,
    createdAt,
    ...(parent === undefined ? {} : { parent }),
    ...(usage === undefined ? {} : { usage }),
  };
}
