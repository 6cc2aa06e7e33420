// SPDX-License-Identifier: Apache-2.0
// What every store must do. A store's own test calls this with a way to open an empty one.

import assert from "node:assert/strict";
import { test } from "node:test";
import { defineTable, type KeyRange, type Reader, type Store } from "../store.ts";

interface Row {
  readonly size: number;
  readonly tags?: readonly string[];
}

const rows = defineTable<Row>("rows");
const others = defineTable<string>("others");
/** Sorts between the two, and starts with the name of one. */
const rowsToo = defineTable<string>("rows-too");

function keysOf(reader: Reader, range?: KeyRange): string[] {
  return Array.from(reader.entries(rows, range), ([key]) => key);
}

async function fill(store: Store, keys: readonly string[]): Promise<void> {
  await store.transaction((transaction) => {
    for (const [size, key] of keys.entries()) transaction.put(rows, key, { size });
  });
}

/** Declares the contract's tests; openEmpty gives a new store each time. */
export function testStoreContract(name: string, openEmpty: () => Promise<Store>): void {
  testReading(name, openEmpty);
  testTransactions(name, openEmpty);
}

function testReading(name: string, openEmpty: () => Promise<Store>): void {
  test(`${name}: what was put is found, what was not is undefined`, async () => {
    await using store = await openEmpty();
    assert.equal(store.find(rows, "a"), undefined);
    await store.transaction((transaction) => transaction.put(rows, "a", { size: 2 ** 40, tags: ["x", "é", "😀"] }));
    assert.deepEqual(store.find(rows, "a"), { size: 2 ** 40, tags: ["x", "é", "😀"] });
    assert.equal(store.find(rows, ""), undefined);
  });

  test(`${name}: a table is walked in the order of its keys' UTF-8 bytes`, async () => {
    await using store = await openEmpty();
    const ordered = ["", "\u0001", "a", "a\u0000b", "a.b", "a/b", "ab", "b", "é", "\ufffd", "😀"];
    await fill(store, ordered.toReversed());
    assert.deepEqual(keysOf(store), ordered);
  });

  test(`${name}: a walk can be narrowed by prefix, after and limit`, async () => {
    await using store = await openEmpty();
    await fill(store, ["a", "ab", "ab/1", "ab/2", "ab/3", "ac", "b", "ÿ", "ÿa"]);
    assert.deepEqual(keysOf(store, { prefix: "ab/" }), ["ab/1", "ab/2", "ab/3"]);
    assert.deepEqual(keysOf(store, { after: "ab/2" }), ["ab/3", "ac", "b", "ÿ", "ÿa"]);
    assert.deepEqual(keysOf(store, { after: "ab" }), ["ab/1", "ab/2", "ab/3", "ac", "b", "ÿ", "ÿa"]);
    assert.deepEqual(keysOf(store, { prefix: "ab/", after: "ab/1" }), ["ab/2", "ab/3"]);
    assert.deepEqual(keysOf(store, { prefix: "ab/", after: "a" }), ["ab/1", "ab/2", "ab/3"]);
    assert.deepEqual(keysOf(store, { prefix: "ab/", after: "c" }), []);
    assert.deepEqual(keysOf(store, { prefix: "ab/", after: "ab/1", limit: 1 }), ["ab/2"]);
    assert.deepEqual(keysOf(store, { limit: 2 }), ["a", "ab"]);
    assert.deepEqual(keysOf(store, { limit: 0 }), []);
    assert.deepEqual(keysOf(store, { prefix: "ÿ" }), ["ÿ", "ÿa"]);
    assert.deepEqual(keysOf(store, { prefix: "none" }), []);
  });

  test(`${name}: tables do not see each other`, async () => {
    await using store = await openEmpty();
    await store.transaction((transaction) => {
      transaction.put(rows, "k", { size: 1 });
      transaction.put(rowsToo, "k", "two");
      transaction.put(others, "k", "three");
      transaction.remove(others, "k");
    });
    assert.deepEqual(Array.from(store.entries(rows)), [["k", { size: 1 }]]);
    assert.deepEqual(Array.from(store.entries(rowsToo)), [["k", "two"]]);
    assert.deepEqual(Array.from(store.entries(others)), []);
  });

  test(`${name}: many tables hold many rows`, async () => {
    await using store = await openEmpty();
    const tables = Array.from({ length: 40 }, (_, index) =>
      defineTable<number>(`table-${String.fromCharCode(97 + (index % 26))}${index < 26 ? "" : "-b"}`),
    );
    await Promise.all(
      tables.map((table, index) =>
        store.transaction((transaction) => {
          for (let row = 0; row < 50; row++) transaction.put(table, `row-${row}`, index * row);
        }),
      ),
    );
    for (const [index, table] of tables.entries()) {
      assert.equal(Array.from(store.entries(table)).length, 50);
      assert.equal(store.find(table, "row-7"), index * 7);
    }
  });

  test(`${name}: changing a value that was read or put changes nothing in the store`, async () => {
    await using store = await openEmpty();
    const value = { size: 1, tags: ["a"] };
    await store.transaction((transaction) => transaction.put(rows, "k", value));
    value.tags.push("b");
    const read = store.find(defineTable<{ readonly tags: string[] }>("rows"), "k");
    try {
      read?.tags.push("c");
    } catch (error) {
      assert.ok(error instanceof TypeError, "frozen");
    }
    assert.deepEqual(store.find(rows, "k")?.tags, ["a"]);
  });

  test(`${name}: a key longer than 1024 bytes is refused`, async () => {
    await using store = await openEmpty();
    await fill(store, ["k".repeat(1024)]);
    await assert.rejects(fill(store, ["é".repeat(513)]), { code: "invalid-argument" });
    assert.deepEqual(keysOf(store), ["k".repeat(1024)]);
  });
}

function testTransactions(name: string, openEmpty: () => Promise<Store>): void {
  test(`${name}: a transaction reads its own writes and gives back its result`, async () => {
    await using store = await openEmpty();
    await fill(store, ["a", "b", "c"]);
    const seen = await store.transaction((transaction) => {
      transaction.put(rows, "aa", { size: 9 });
      transaction.remove(rows, "b");
      transaction.remove(rows, "never there");
      return { found: transaction.find(rows, "aa"), gone: transaction.find(rows, "b"), keys: keysOf(transaction) };
    });
    assert.deepEqual(seen, { found: { size: 9 }, gone: undefined, keys: ["a", "aa", "c"] });
    assert.deepEqual(keysOf(store), ["a", "aa", "c"]);
  });

  test(`${name}: a table may be changed while it is walked`, async () => {
    await using store = await openEmpty();
    await fill(store, ["a", "b", "c", "d"]);
    await store.transaction((transaction) => {
      for (const [key] of transaction.entries(rows)) {
        transaction.remove(rows, key);
        transaction.put(rows, `${key}2`, { size: 0 });
      }
    });
    assert.deepEqual(keysOf(store), ["a2", "b2", "c2", "d2"]);
  });

  test(`${name}: a transaction that throws changes nothing and rejects with what was thrown`, async () => {
    await using store = await openEmpty();
    await fill(store, ["a"]);
    const thrown = new RangeError("no");
    const failing = store.transaction((transaction) => {
      transaction.put(rows, "b", { size: 1 });
      transaction.put(others, "x", "y");
      transaction.remove(rows, "a");
      throw thrown;
    });
    await assert.rejects(failing, (error) => error === thrown);
    assert.deepEqual(keysOf(store), ["a"]);
    assert.equal(store.find(others, "x"), undefined);
  });

  test(`${name}: transactions asked for together happen one after the other, and one that throws harms no other`, async () => {
    await using store = await openEmpty();
    await store.transaction((transaction) => transaction.put(rows, "counter", { size: 0 }));
    const results = await Promise.allSettled(
      Array.from({ length: 50 }, (_, index) =>
        store.transaction((transaction) => {
          const before = transaction.find(rows, "counter")?.size ?? -1;
          transaction.put(rows, "counter", { size: before + 1 });
          if (index % 5 === 4) throw new Error("every fifth");
          return before;
        }),
      ),
    );
    const before = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
    assert.deepEqual(
      before,
      Array.from({ length: 40 }, (_, index) => index),
    );
    assert.equal(store.find(rows, "counter")?.size, 40);
  });

  test(`${name}: nobody sees a change before it is acknowledged, everybody after`, async () => {
    await using store = await openEmpty();
    const pending = store.transaction((transaction) => transaction.put(rows, "k", { size: 1 }));
    assert.equal(store.find(rows, "k"), undefined);
    await pending;
    assert.deepEqual(store.find(rows, "k"), { size: 1 });
    assert.deepEqual(keysOf(store), ["k"]);
  });

  test(`${name}: an asynchronous transaction function is refused and changes nothing`, async () => {
    await using store = await openEmpty();
    const asynchronous = store.transaction((transaction) => {
      transaction.put(rows, "k", { size: 1 });
      return Promise.resolve();
    });
    await assert.rejects(asynchronous, { code: "internal" });
    assert.equal(store.find(rows, "k"), undefined);
  });

  test(`${name}: a closed store takes no more transactions, and finished those it had`, async () => {
    const store = await openEmpty();
    const last = fill(store, ["a"]);
    await store[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
    await last;
    await assert.rejects(fill(store, ["b"]), { code: "failed-precondition" });
  });
}
