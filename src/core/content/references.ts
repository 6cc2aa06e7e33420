// SPDX-License-Identifier: Apache-2.0
// The edges that garbage collection follows from blob to blob and from blob to snapshot.

import type { Digest } from "../../base/digest.ts";
import { notFound } from "../../base/errors.ts";
import type { Store, Transaction } from "../../storage/store.ts";
import { contentTable, type References } from "./content-records.ts";

/** Notes in the records of blobs what else they need, so that collection can follow it. */
export class ContentReferences {
  readonly #store: Store;

  constructor(deps: { readonly store: Store }) {
    this.#store = deps.store;
  }

  /** What the blob keeps alive; undefined when there is no such blob. */
  get(digest: Digest): References | undefined {
    return this.#store.find(contentTable, digest)?.references;
  }

  /** Replaces the parts that are given; not-found when there is no such blob. */
  async set(digest: Digest, references: Partial<References>): Promise<void> {
    await this.#store.transaction((transaction) => setReferences(transaction, digest, references));
  }
}

/** The same as a part of a larger transaction. */
export function setReferences(transaction: Transaction, digest: Digest, references: Partial<References>): void {
  const record = transaction.find(contentTable, digest);
  if (record === undefined) throw notFound("blob", digest);
  transaction.put(contentTable, digest, { ...record, references: { ...record.references, ...references } });
}
