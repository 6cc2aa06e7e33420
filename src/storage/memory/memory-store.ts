// SPDX-License-Identifier: Apache-2.0
// A store that lives in memory, for tests and for a daemon that shall keep nothing.

import { assert, failedPrecondition } from "../../base/errors.ts";
import type { KeyRange, Store, Table, Transaction } from "../store.ts";
import { compareKeys, encodeKey, inRange } from "../store-key.ts";

type Rows = Map<string, unknown>;

class MemoryStore implements Store {
  readonly #tables = new Map<string, Rows>();
  #closed = false;

  find<V>(table: Table<V>, key: string): V | undefined {
    return structuredClone(this.#tables.get(table.name)?.get(key)) as V | undefined;
  }

  entries<V>(table: Table<V>, range: KeyRange = {}): Iterable<readonly [string, V]> {
    return selectRows(this.#tables.get(table.name) ?? new Map(), range);
  }

  async transaction<R>(change: (transaction: Transaction) => R): Promise<R> {
    if (this.#closed) throw failedPrecondition("the store is closed");
    // A store on disk runs the function later, never inside this call; neither does this one.
    await Promise.resolve();
    const changed = new Map<string, Rows>();
    const rowsOf = (name: string) => changed.get(name) ?? this.#tables.get(name) ?? new Map<string, unknown>();
    const writable = (name: string): Rows => {
      const rows = changed.get(name) ?? new Map(this.#tables.get(name));
      changed.set(name, rows);
      return rows;
    };
    const result = change({
      find: <V>(table: Table<V>, key: string) => structuredClone(rowsOf(table.name).get(key)) as V | undefined,
      entries: (table, range = {}) => selectRows(rowsOf(table.name), range),
      put: (table, key, value) => {
        encodeKey(table.name, key);
        writable(table.name).set(key, structuredClone(value));
      },
      remove: (table, key) => void writable(table.name).delete(key),
    });
    assert(!(result instanceof Promise), "a transaction function must be synchronous");
    for (const [name, rows] of changed) this.#tables.set(name, rows);
    return result;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }
}

function selectRows<V>(rows: Rows, range: KeyRange): readonly (readonly [string, V])[] {
  return [...rows.keys()]
    .filter((key) => inRange(key, range))
    .sort(compareKeys)
    .slice(0, range.limit)
    .map((key) => [key, structuredClone(rows.get(key)) as V] as const);
}

/** An empty store; what is in it ends with it. */
export function openMemoryStore(): Store {
  return new MemoryStore();
}
