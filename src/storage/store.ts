// SPDX-License-Identifier: Apache-2.0
// The metadata store: ordered tables of JSON-like values under string keys, changed in transactions.
//
// Reads are synchronous and see the last committed state. A change is one transaction: a synchronous function that reads
// and writes through its Transaction; it is applied whole or not at all, and the promise resolves only after it is on
// disk. Nothing is ever acknowledged earlier. A function that throws changes nothing.

import { assert } from "../base/errors.ts";

declare const tableValue: unique symbol;

/** Names a table and the type of its values; declared once, beside the noun that owns it. */
export interface Table<V> {
  readonly name: string;
  readonly [tableValue]?: V;
}

export function defineTable<V>(name: string): Table<V> {
  assert(/^[a-z][a-z-]*$/.test(name), `table name ${name}`);
  return { name };
}

/** Which keys to walk, in ascending order of their UTF-8 bytes. */
export interface KeyRange {
  readonly prefix?: string;
  /** Keys after this one. */
  readonly after?: string;
  readonly limit?: number;
}

export interface Reader {
  find<V>(table: Table<V>, key: string): V | undefined;
  entries<V>(table: Table<V>, range?: KeyRange): Iterable<readonly [key: string, value: V]>;
}

/** Reads see what the transaction itself has written. */
export interface Transaction extends Reader {
  put<V>(table: Table<V>, key: string, value: V): void;
  /** Removes the key if it is there. */
  remove<V>(table: Table<V>, key: string): void;
}

/** Owned by the daemon; disposing waits for what was acknowledged to be on disk and closes the files. */
export interface Store extends Reader, AsyncDisposable {
  transaction<R>(change: (transaction: Transaction) => R): Promise<R>;
}
