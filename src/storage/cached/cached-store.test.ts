// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import test from "node:test";
import { openMemoryStore } from "../memory/memory-store.ts";
import { defineTable } from "../store.ts";
import { testStoreContract } from "../testing/store-contract.ts";
import { cacheTables } from "./cached-store.ts";

const rows = defineTable<{ readonly size: number }>("rows");

testStoreContract("cached store, its table in memory", () =>
  Promise.resolve(cacheTables(openMemoryStore(), [rows, defineTable("others")])),
);
testStoreContract("cached store, another table in memory", () =>
  Promise.resolve(cacheTables(openMemoryStore(), [defineTable("unused")])),
);

test("reads of a cached table do not reach the store below, and see what is written through", async () => {
  const below = openMemoryStore();
  await below.transaction((transaction) => transaction.put(rows, "a", { size: 1 }));
  await using store = cacheTables(below, [rows]);
  assert.equal(store.find(rows, "a"), store.find(rows, "a"), "the same object, not a copy");
  await store.transaction((transaction) => {
    transaction.put(rows, "a", { size: 2 });
    transaction.put(rows, "b", { size: 3 });
  });
  assert.deepEqual(
    [...store.entries(rows)],
    [
      ["a", { size: 2 }],
      ["b", { size: 3 }],
    ],
  );
  await assert.rejects(
    store.transaction((transaction) => {
      transaction.remove(rows, "a");
      throw new Error("undone");
    }),
    /undone/,
  );
  assert.deepEqual(store.find(rows, "a"), { size: 2 });
});
