// SPDX-License-Identifier: Apache-2.0
// A store that answers reads of some tables from memory: small ones that are read all the time, such as the records of
// containers. Writes go through; what they changed is read back once they are on disk. Inside a transaction the store
// below is asked. Values are shared by all who read them, so they are frozen.

import type { KeyRange, Store, Table, Transaction } from "../store.ts";
import { compareKeys, inRange } from "../store-key.ts";

/** The decoded rows of one table. */
class CachedRows {
  readonly #values = new Map<string, unknown>();
  #sortedKeys: readonly string[] | undefined;

  constructor(entries: Iterable<readonly [string, unknown]>) {
    for (const [key, value] of entries) this.#values.set(key, frozen(value));
  }

  get(key: string): unknown {
    return this.#values.get(key);
  }

  set(key: string, value: unknown): void {
    if (value === undefined) {
      if (this.#values.delete(key)) this.#sortedKeys = undefined;
      return;
    }
    if (!this.#values.has(key)) this.#sortedKeys = undefined;
    this.#values.set(key, frozen(value));
  }

  select(range: KeyRange): readonly (readonly [string, unknown])[] {
    this.#sortedKeys ??= [...this.#values.keys()].sort(compareKeys);
    const everything = range.prefix === undefined && range.after === undefined;
    const keys = everything ? this.#sortedKeys : this.#sortedKeys.filter((key) => inRange(key, range));
    return keys.slice(0, range.limit).map((key) => [key, this.#values.get(key)] as const);
  }
}

/** The same value, with all that hangs on it. */
function frozen(value: unknown): unknown {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
  for (const member of Object.values(value)) frozen(member);
  return Object.freeze(value);
}

class CachedStore implements Store {
  readonly #store: Store;
  readonly #rows: ReadonlyMap<string, CachedRows>;

  constructor(store: Store, tables: readonly Table<unknown>[]) {
    this.#store = store;
    this.#rows = new Map(tables.map((table) => [table.name, new CachedRows(store.entries(table))]));
  }

  find<V>(table: Table<V>, key: string): V | undefined {
    const rows = this.#rows.get(table.name);
    return rows === undefined ? this.#store.find(table, key) : (rows.get(key) as V | undefined);
  }

  entries<V>(table: Table<V>, range: KeyRange = {}): Iterable<readonly [string, V]> {
    const rows = this.#rows.get(table.name);
    return rows === undefined
      ? this.#store.entries(table, range)
      : (rows.select(range) as readonly (readonly [string, V])[]);
  }

  async transaction<R>(change: (transaction: Transaction) => R): Promise<R> {
    const written: (readonly [table: Table<unknown>, key: string])[] = [];
    const result = await this.#store.transaction((transaction) =>
      change({
        find: (table, key) => transaction.find(table, key),
        entries: (table, range) => transaction.entries(table, range),
        put: (table, key, value) => {
          transaction.put(table, key, value);
          written.push([table, key]);
        },
        remove: (table, key) => {
          transaction.remove(table, key);
          written.push([table, key]);
        },
      }),
    );
    for (const [table, key] of written) this.#rows.get(table.name)?.set(key, this.#store.find(table, key));
    return result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store[Symbol.asyncDispose]();
  }
}

/** The store, with these tables in memory; disposing closes it. Nobody may write to them but through the result. */
export function cacheTables(store: Store, tables: readonly Table<unknown>[]): Store {
  return new CachedStore(store, tables);
}
