// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { openMemoryStore } from "../../storage/memory/memory-store.ts";
import { LeaseManager, leaseTable } from "./lease-manager.ts";

const layer = { kind: "content", id: "layer" } as const;
const snapshot = { kind: "snapshot", id: "layer" } as const;

test("a lease holds what was added until it is disposed", async () => {
  await using store = openMemoryStore();
  const leases = new LeaseManager({ store });
  {
    await using lease = await leases.create({ expiresIn: 60_000 });
    assert.equal(leases.holds(layer), false);
    await lease.add(layer, snapshot);
    await lease.add(layer);
    assert.equal(leases.holds(layer), true);
    assert.equal(leases.holds({ kind: "ingest", id: "layer" }), false);
    assert.deepEqual([...leases.resources()], [layer, snapshot]);
  }
  assert.equal(leases.holds(layer), false);
  assert.deepEqual([...store.entries(leaseTable)], []);
});

test("nothing can be added to a lease that has ended", async () => {
  await using store = openMemoryStore();
  const lease = await new LeaseManager({ store }).create({ expiresIn: 60_000 });
  await lease[Symbol.asyncDispose]();
  await assert.rejects(lease.add(layer), { code: "not-found" });
});

test("a lease outlives its daemon until it expires, and is swept then", async () => {
  await using store = openMemoryStore();
  const before = new LeaseManager({ store });
  const lasting = await before.create({ expiresIn: 60_000 });
  await lasting.add(layer);
  const expired = await before.create({ expiresIn: -1 });
  await expired.add(snapshot);
  const after = new LeaseManager({ store });
  assert.deepEqual([...after.resources()], [layer]);
  await after.sweep();
  assert.deepEqual(
    Array.from(store.entries(leaseTable), ([id]) => id),
    [lasting.id],
  );
});

test("a lease does not expire while it is held", async () => {
  await using store = openMemoryStore();
  const leases = new LeaseManager({ store });
  await using lease = await leases.create({ expiresIn: -1 });
  await lease.add(layer);
  await leases.sweep();
  assert.equal(leases.holds(layer), true);
});
