// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, rm, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import type { Digest } from "../../base/digest.ts";
import { armFailpoint } from "../../base/failpoint.ts";
import { KeyedLock } from "../../base/keyed-lock.ts";
import { silentLogger } from "../../base/log.ts";
import { LocalContentStore } from "../../drivers/content/local/local-content-store.ts";
import { mediaTypes } from "../../oci/image/descriptor.ts";
import { openMemoryStore } from "../../storage/memory/memory-store.ts";
import { ContentRecords } from "../content/content-records.ts";
import { ContentReferences } from "../content/references.ts";
import { storeBlob } from "../content/testing/content-contract.ts";
import { imageTable } from "../images/image.ts";
import { FakeSnapshotter } from "../images/testing/fake-snapshotter.ts";
import { LeaseManager } from "../leases/lease-manager.ts";
import { GarbageCollector, type GarbageRoot } from "./garbage-collector.ts";

const { signal } = new AbortController();

async function openWorld() {
  const root = await mkdtemp(path.join(tmpdir(), "berth-gc-"));
  const store = openMemoryStore();
  const content = await LocalContentStore.open({
    root,
    records: new ContentRecords({ store }),
    logger: silentLogger,
  });
  const references = new ContentReferences({ store });
  const snapshotter = new FakeSnapshotter();
  const leases = new LeaseManager({ store });
  const snapshotLocks = new KeyedLock();
  const roots: GarbageRoot[] = [];
  const collector = new GarbageCollector({
    store,
    content,
    snapshotter,
    leases,
    snapshotLocks,
    roots: () => roots,
    logger: silentLogger,
  });
  return {
    root,
    content,
    references,
    snapshotter,
    leases,
    snapshotLocks,
    roots,
    collector,
    nameImage: (name: string, digest: Digest) =>
      store.transaction((transaction) =>
        transaction.put(imageTable, name, {
          name,
          target: { mediaType: mediaTypes.ociManifest, digest, size: 1 },
          createdAt: 1,
          updatedAt: 1,
        }),
      ),
    forgetImage: (name: string) => store.transaction((transaction) => transaction.remove(imageTable, name)),
    blobs: () => new Set<string>(Array.from(content.walk(), ({ digest }) => digest)),
    snapshots: () => new Set(Array.from(snapshotter.walk(), ({ key }) => key)),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}

test("an image keeps its manifest, configuration, layers and snapshots; without its name all of them go", async () => {
  await using world = await openWorld();
  const { content, references, snapshotter, collector } = world;
  const layer = await storeBlob(content, "layer");
  const config = await storeBlob(content, "config");
  const manifest = await storeBlob(content, "manifest");
  await references.set(manifest, { content: [config, layer] });
  await references.set(config, { snapshots: ["top"] });
  snapshotter.add("base", "committed");
  snapshotter.add("top", "committed", "base");
  await world.nameImage("docker.io/library/app:latest", manifest);
  assert.deepEqual(await collector.collect({ signal }), { blobs: 0, bytes: 0, snapshots: 0 });
  const file = content.localPath(layer);
  await world.forgetImage("docker.io/library/app:latest");
  assert.deepEqual(await collector.collect({ signal }), { blobs: 3, bytes: 19 + 2, snapshots: 2 });
  assert.equal(existsSync(file), false);
  assert.deepEqual([...content.walk(), ...snapshotter.walk()], []);
});

test("a container keeps the snapshots under its own, an active snapshot nobody knows stays with its parents", async () => {
  await using world = await openWorld();
  for (const chain of ["a", "b", "c"]) {
    world.snapshotter.add(`${chain}1`, "committed");
    world.snapshotter.add(`${chain}2`, "committed", `${chain}1`);
  }
  world.snapshotter.add("active", "active", "a2");
  world.roots.push({ kind: "snapshot", id: "b2" }, { kind: "snapshot", id: "gone" });
  await world.collector.collect({ signal });
  assert.deepEqual(world.snapshots(), new Set(["a1", "a2", "b1", "b2", "active"]));
});

test("what a lease holds stays while it is live", async () => {
  await using world = await openWorld();
  const digest = await storeBlob(world.content, "pulled");
  world.snapshotter.add("unpacked", "committed");
  {
    await using lease = await world.leases.create({ expiresIn: 60_000 });
    await lease.add({ kind: "content", id: digest }, { kind: "snapshot", id: "unpacked" });
    await world.collector.collect({ signal });
    assert.notEqual(world.content.find(digest), undefined);
    assert.notEqual(world.snapshotter.find("unpacked"), undefined);
  }
  assert.deepEqual(await world.collector.collect({ signal }), { blobs: 1, bytes: 7, snapshots: 1 });
});

test("a blob that comes back after it was marked as garbage is not lost", async () => {
  await using world = await openWorld();
  const digest = await storeBlob(world.content, "again");
  await using lease = await world.leases.create({ expiresIn: 60_000 });
  using _during = armFailpoint("gc.marked", async () => {
    await lease.add({ kind: "content", id: digest });
    assert.equal(world.content.find(digest), undefined);
    await storeBlob(world.content, "again");
  });
  await world.collector.collect({ signal });
  assert.equal(Buffer.from(await world.content.read(digest, { maximumBytes: 10 })).toString(), "again");
});

test("a snapshot that is leased or built upon after it was marked as garbage stays", async () => {
  await using world = await openWorld();
  for (const name of ["leased", "parent", "free"]) world.snapshotter.add(name, "committed");
  await using lease = await world.leases.create({ expiresIn: 60_000 });
  using _during = armFailpoint("gc.marked", async () => {
    await lease.add({ kind: "snapshot", id: "leased" });
    await world.snapshotter.prepare("child", "parent");
  });
  assert.equal((await world.collector.collect({ signal })).snapshots, 1);
  assert.deepEqual(world.snapshots(), new Set(["leased", "parent", "child"]));
});

test("a snapshot is not removed while it is being unpacked", async () => {
  await using world = await openWorld();
  world.snapshotter.add("layer", "committed");
  const lock = await world.snapshotLocks.acquire("layer");
  const marked = Promise.withResolvers<void>();
  using _during = armFailpoint("gc.marked", marked.resolve);
  const collecting = world.collector.collect({ signal });
  await marked.promise;
  await using lease = await world.leases.create({ expiresIn: 60_000 });
  // More turns than a removal takes.
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  await lease.add({ kind: "snapshot", id: "layer" });
  lock[Symbol.dispose]();
  assert.equal((await collecting).snapshots, 0);
  assert.notEqual(world.snapshotter.find("layer"), undefined);
});

test("unfinished writes go after a day, unless they are leased or open", async () => {
  await using world = await openWorld();
  const yesterday = new Date(Date.now() - 25 * 60 * 60 * 1000);
  for (const reference of ["fresh", "stale", "leased", "open"]) {
    await using ingest = await world.content.ingest(reference, { signal });
    await ingest.write(Buffer.from("bytes"));
  }
  const age = async (reference: string) => {
    const name = createHash("sha256").update(reference).digest("hex");
    await utimes(path.join(world.root, "ingests", name, "data"), yesterday, yesterday);
  };
  for (const reference of ["stale", "leased", "open"]) await age(reference);
  await using lease = await world.leases.create({ expiresIn: 60_000 });
  await lease.add({ kind: "ingest", id: "leased" });
  {
    await using _open = await world.content.ingest("open", { signal });
    await world.collector.collect({ signal });
  }
  const left = await Array.fromAsync(world.content.walkIngests(), ({ reference }) => reference);
  assert.deepEqual(left.toSorted(), ["fresh", "leased", "open"]);
});

test("collections happen one after the other", async () => {
  await using world = await openWorld();
  for (const bytes of ["a", "b", "c"]) await storeBlob(world.content, bytes);
  const results = await Promise.all([1, 2, 3].map(() => world.collector.collect({ signal })));
  assert.deepEqual(
    results.map(({ blobs }) => blobs),
    [3, 0, 0],
  );
});

interface Graph {
  readonly edges: readonly (readonly number[])[];
  readonly snapshotEdges: readonly (readonly number[])[];
  /** The parent of each snapshot, of a lower number, or undefined. */
  readonly parents: readonly (number | undefined)[];
  readonly images: readonly number[];
  readonly leasedBlobs: readonly number[];
  readonly leasedSnapshots: readonly number[];
}

const size = 12;
const numbers = fc.array(fc.nat(size - 1), { maxLength: 3 });
const graphs: fc.Arbitrary<Graph> = fc.record({
  edges: fc.array(numbers, { minLength: size, maxLength: size }),
  snapshotEdges: fc.array(fc.array(fc.nat(size - 1), { maxLength: 1 }), { minLength: size, maxLength: size }),
  parents: fc.tuple(
    ...Array.from({ length: size }, (_, index) =>
      index === 0 ? fc.constant(undefined) : fc.option(fc.nat(index - 1), { nil: undefined }),
    ),
  ),
  images: numbers,
  leasedBlobs: numbers,
  leasedSnapshots: numbers,
});

/** What must stay, found the slow way: follow every edge until nothing new comes. */
function reachable(graph: Graph): { readonly blobs: ReadonlySet<number>; readonly snapshots: ReadonlySet<number> } {
  const blobs = new Set([...graph.images, ...graph.leasedBlobs]);
  const snapshots = new Set(graph.leasedSnapshots);
  for (let before = -1; before !== blobs.size + snapshots.size; ) {
    before = blobs.size + snapshots.size;
    for (const blob of blobs) {
      for (const next of graph.edges[blob] ?? []) blobs.add(next);
      for (const next of graph.snapshotEdges[blob] ?? []) snapshots.add(next);
    }
    for (const snapshot of snapshots) {
      const parent = graph.parents[snapshot];
      if (parent !== undefined) snapshots.add(parent);
    }
  }
  return { blobs, snapshots };
}

test("in any graph exactly what can be reached stays", async () => {
  await fc.assert(
    fc.asyncProperty(graphs, async (graph) => {
      await using world = await openWorld();
      const digests = await Promise.all(graph.edges.map((_, index) => storeBlob(world.content, `blob ${index}`)));
      const digestAt = (index: number) => digests[index] as Digest;
      for (const [index, parent] of graph.parents.entries()) {
        world.snapshotter.add(`${index}`, "committed", parent === undefined ? undefined : `${parent}`);
      }
      for (const [index, targets] of graph.edges.entries()) {
        const snapshots = (graph.snapshotEdges[index] ?? []).map(String);
        await world.references.set(digestAt(index), { content: targets.map(digestAt), snapshots });
      }
      for (const index of graph.images) await world.nameImage(`image-${index}`, digestAt(index));
      await using lease = await world.leases.create({ expiresIn: 60_000 });
      await lease.add(...graph.leasedBlobs.map((index) => ({ kind: "content" as const, id: digestAt(index) })));
      await lease.add(...graph.leasedSnapshots.map((index) => ({ kind: "snapshot" as const, id: `${index}` })));
      await world.collector.collect({ signal });
      const expected = reachable(graph);
      assert.deepEqual(world.blobs(), new Set<string>([...expected.blobs].map(digestAt)));
      assert.deepEqual(world.snapshots(), new Set([...expected.snapshots].map(String)));
    }),
    { numRuns: 40 },
  );
});
