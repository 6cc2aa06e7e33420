// SPDX-License-Identifier: Apache-2.0
// Brings a store to the form this program knows. A migration has a number; the store remembers the highest that ran. Each
// runs in one transaction together with that number, so a daemon killed half-way goes on where it stopped.

import { assert, failedPrecondition, toEngineError } from "../../base/errors.ts";
import { defineTable, type Store, type Transaction } from "../store.ts";

export interface Migration {
  /** 1 for the first, one more for each; never reused. */
  readonly version: number;
  /** What changes, for the error when it fails. */
  readonly description: string;
  readonly change: (transaction: Transaction) => void;
}

const schema = defineTable<{ readonly version: number }>("schema");
const schemaKey = "schema";

/** The version the store is at; 0 when nothing ever migrated it. */
export function schemaVersion(store: Store): number {
  return store.find(schema, schemaKey)?.version ?? 0;
}

/** Runs what is pending, in order; failed-precondition when the store was written by a newer program. */
export async function migrate(store: Store, migrations: readonly Migration[]): Promise<void> {
  assert(
    migrations.every(({ version }, index) => version === index + 1),
    "migrations are numbered from 1 without a gap",
  );
  const from = schemaVersion(store);
  if (from > migrations.length) {
    throw failedPrecondition(
      `the metadata store is of version ${from}, this program knows versions up to ${migrations.length}: start the newer program that wrote it, or use another --root`,
    );
  }
  for (const { version, description, change } of migrations.slice(from)) {
    try {
      await store.transaction((transaction) => {
        change(transaction);
        transaction.put(schema, schemaKey, { version });
      });
    } catch (error) {
      throw toEngineError(error, `migrate the metadata store to version ${version} (${description})`);
    }
  }
}
