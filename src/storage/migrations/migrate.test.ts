// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { openMemoryStore } from "../memory/memory-store.ts";
import { defineTable } from "../store.ts";
import { type Migration, migrate, schemaVersion } from "./migrate.ts";
import { migrations } from "./migrations.ts";

const steps = defineTable<number>("steps");
const step = (version: number): Migration => ({
  version,
  description: `step ${version}`,
  change: (transaction) => transaction.put(steps, `${Array.from(transaction.entries(steps)).length}`, version),
});

test("migrations run once each, in order", async () => {
  await using store = openMemoryStore();
  await migrate(store, [step(1), step(2)]);
  await migrate(store, [step(1), step(2), step(3)]);
  assert.deepEqual(
    Array.from(store.entries(steps), ([, version]) => version),
    [1, 2, 3],
  );
  assert.equal(schemaVersion(store), 3);
});

test("a migration that fails leaves the store at the one before it, to go on from there", async () => {
  await using store = openMemoryStore();
  const failing: Migration = {
    version: 2,
    description: "split the rows",
    change: (transaction) => {
      transaction.put(steps, "half", 2);
      throw new Error("broken");
    },
  };
  await assert.rejects(migrate(store, [step(1), failing, step(3)]), /to version 2 \(split the rows\): broken/);
  assert.equal(schemaVersion(store), 1);
  assert.equal(store.find(steps, "half"), undefined);
  await migrate(store, [step(1), step(2), step(3)]);
  assert.equal(schemaVersion(store), 3);
});

test("a store of a newer program is refused with both versions", async () => {
  await using store = openMemoryStore();
  await migrate(store, [step(1), step(2), step(3)]);
  await assert.rejects(migrate(store, [step(1)]), {
    code: "failed-precondition",
    message: /of version 3, this program knows versions up to 1: .*--root/,
  });
});

test("the migrations of this program bring an empty store to their last version", async () => {
  await using store = openMemoryStore();
  await migrate(store, migrations);
  assert.equal(schemaVersion(store), migrations.length);
});
