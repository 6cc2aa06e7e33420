// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { notFound } from "../../base/errors.ts";
import { SnapshotTotalsReader } from "./snapshot-totals.ts";
import type { SnapshotInfo, Snapshotter, SnapshotUsage } from "./snapshotter.ts";

const { signal } = new AbortController();

/** A snapshotter that knows what its writable snapshots take, and counts how often it is asked to measure one. */
function makeSnapshotter() {
  const infos: SnapshotInfo[] = [
    { key: "one", kind: "committed", createdAt: 1, usage: { bytes: 1000, inodes: 10 } },
    { key: "two", kind: "committed", createdAt: 1, parent: "one", usage: { bytes: 200, inodes: 2 } },
    { key: "c1", kind: "active", createdAt: 1, parent: "two" },
    { key: "c2", kind: "active", createdAt: 1, parent: "two" },
  ];
  const sizes = new Map<string, SnapshotUsage>([
    ["c1", { bytes: 30, inodes: 3 }],
    ["c2", { bytes: 4, inodes: 1 }],
  ]);
  const asked: string[] = [];
  const usage = (key: string) => {
    asked.push(key);
    const size = sizes.get(key);
    return size === undefined ? Promise.reject(notFound("snapshot", key)) : Promise.resolve(size);
  };
  const snapshotter = { walk: () => infos, usage } as unknown as Snapshotter;
  return { infos, sizes, asked, snapshotter };
}

test("layers of images and of containers are added up apart", async () => {
  const { snapshotter, asked } = makeSnapshotter();
  const before = Date.now();
  const totals = await new SnapshotTotalsReader({ snapshotter }).read({ signal });
  assert.deepEqual(totals.committed, { bytes: 1200, inodes: 12 });
  assert.deepEqual(totals.writable, { bytes: 34, inodes: 4 });
  assert.ok(totals.measuredAt >= before && totals.measuredAt <= Date.now());
  assert.deepEqual(asked, ["c1", "c2"]);
});

test("writable layers are measured once for everybody who asks within the age, recorded ones never", async () => {
  const { snapshotter, asked, infos } = makeSnapshotter();
  const reader = new SnapshotTotalsReader({ snapshotter, maximumAgeMs: 60_000 });
  const [first, second] = await Promise.all([reader.read({ signal }), reader.read({ signal })]);
  assert.deepEqual(first, second);
  assert.equal(asked.length, 2);
  infos.splice(1, 1);
  infos.push({ key: "c3", kind: "view", createdAt: 1 });
  // c3 is gone when it is to be measured.
  const later = await reader.read({ signal });
  assert.deepEqual(later, { ...first, committed: { bytes: 1000, inodes: 10 } });
  assert.deepEqual(asked, ["c1", "c2", "c3"]);
});

test("an old measurement is made again", async () => {
  const { snapshotter, sizes } = makeSnapshotter();
  const reader = new SnapshotTotalsReader({ snapshotter, maximumAgeMs: 0 });
  await reader.read({ signal });
  sizes.set("c1", { bytes: 5000, inodes: 3 });
  assert.equal((await reader.read({ signal })).writable.bytes, 5004);
});
