// SPDX-License-Identifier: Apache-2.0
// The records of a snapshotter in the store. A record is the truth: a directory without one is half-made or removed.
// Keys and names share one space within a snapshotter, and the rules between parents and children are kept here, inside
// the transaction that changes them.

import { alreadyExists, failedPrecondition, notFound } from "../../base/errors.ts";
import { defineTable, type Reader, type Store } from "../../storage/store.ts";
import type { SnapshotInfo, SnapshotUsage } from "./snapshotter.ts";

/** What is stored of a snapshot. */
export interface SnapshotRecord extends Omit<SnapshotInfo, "key"> {
  /** The number of its directory. */
  readonly id: number;
}

/** The records of a snapshotter, in the store. */
export interface SnapshotRecords {
  find(key: string): SnapshotRecord | undefined;
  walk(): Iterable<readonly [key: string, record: SnapshotRecord]>;
  /** Adds a record; already-exists when the key is taken, not-found or failed-precondition when the parent is no base. */
  add(key: string, record: SnapshotRecord): Promise<void>;
  /** Turns the active snapshot into a committed one under a name. */
  commit(name: string, key: string, usage: SnapshotUsage): Promise<void>;
  /** Removes the record, if it is there, and answers it; failed-precondition when it has children. */
  remove(key: string): Promise<SnapshotRecord | undefined>;
}

const snapshotTable = defineTable<SnapshotRecord>("snapshots");

/** The records of one snapshotter, such as "overlay". */
export function openSnapshotRecords(store: Store, snapshotter: string): SnapshotRecords {
  const prefix = `${snapshotter}/`;
  const storeKey = (key: string) => prefix + key;
  function* walk(reader: Reader): Generator<readonly [string, SnapshotRecord]> {
    for (const [key, record] of reader.entries(snapshotTable, { prefix })) yield [key.slice(prefix.length), record];
  }
  return {
    find: (key) => store.find(snapshotTable, storeKey(key)),
    walk: () => walk(store),
    add: (key, record) =>
      store.transaction((transaction) => {
        if (transaction.find(snapshotTable, storeKey(key)) !== undefined) throw alreadyExists("snapshot", key);
        if (record.parent !== undefined)
          requireBase(transaction.find(snapshotTable, storeKey(record.parent)), record.parent);
        transaction.put(snapshotTable, storeKey(key), record);
      }),
    commit: (name, key, usage) =>
      store.transaction((transaction) => {
        const record = transaction.find(snapshotTable, storeKey(key));
        if (record === undefined) throw notFound("snapshot", key);
        if (record.kind !== "active") throw failedPrecondition(`snapshot ${key} is not active and cannot be committed`);
        if (transaction.find(snapshotTable, storeKey(name)) !== undefined) throw alreadyExists("snapshot", name);
        transaction.remove(snapshotTable, storeKey(key));
        transaction.put(snapshotTable, storeKey(name), { ...record, kind: "committed", usage });
      }),
    remove: (key) =>
      store.transaction((transaction) => {
        const record = transaction.find(snapshotTable, storeKey(key));
        if (record === undefined) return undefined;
        for (const [child, { parent }] of walk(transaction)) {
          if (parent === key)
            throw failedPrecondition(`snapshot ${key} cannot be removed: snapshot ${child} stands on it`);
        }
        transaction.remove(snapshotTable, storeKey(key));
        return record;
      }),
  };
}

function requireBase(parent: SnapshotRecord | undefined, name: string): void {
  if (parent === undefined) throw notFound("snapshot", name);
  if (parent.kind !== "committed") {
    throw failedPrecondition(`snapshot ${name} is not committed and cannot be a parent`);
  }
}
