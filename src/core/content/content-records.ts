// SPDX-License-Identifier: Apache-2.0
// What the engine knows of each blob: its size, its age, and what it keeps alive. A blob without a record does not exist
// to anybody but its driver, which throws its bytes away.

import type { Digest } from "../../base/digest.ts";
import { defineTable, type Store } from "../../storage/store.ts";
import type { ContentInfo } from "./content.ts";

/** What a blob keeps from being collected: a manifest its config and layers, a config the snapshot of its top layer. */
export interface References {
  readonly content: readonly Digest[];
  /** Names of committed snapshots. */
  readonly snapshots: readonly string[];
}

export interface ContentRecord {
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly references: References;
}

/** Blobs by digest. */
export const contentTable = defineTable<ContentRecord>("content");

const noReferences: References = { content: [], snapshots: [] };

/** How a content driver reads and writes the records of its blobs. */
export class ContentRecords {
  readonly #store: Store;

  constructor(deps: { readonly store: Store }) {
    this.#store = deps.store;
  }

  find(digest: Digest): ContentInfo | undefined {
    const record = this.#store.find(contentTable, digest);
    return record === undefined ? undefined : infoOf(digest, record);
  }

  /** In the order of digests. */
  *walk(): Iterable<ContentInfo> {
    for (const [digest, record] of this.#store.entries(contentTable)) yield infoOf(digest as Digest, record);
  }

  /** Makes a blob of this size known; one that is known already stays as it is. */
  async insert(digest: Digest, size: number): Promise<ContentInfo> {
    return await this.#store.transaction((transaction) => {
      const known = transaction.find(contentTable, digest);
      const record = known ?? { size, createdAt: Date.now(), references: noReferences };
      if (known === undefined) transaction.put(contentTable, digest, record);
      return infoOf(digest, record);
    });
  }

  /** Forgets those of the blobs that are known. */
  async remove(digests: readonly Digest[]): Promise<void> {
    if (digests.length === 0) return;
    await this.#store.transaction((transaction) => {
      for (const digest of digests) transaction.remove(contentTable, digest);
    });
  }
}

function infoOf(digest: Digest, { size, createdAt }: ContentRecord): ContentInfo {
  return { digest, size, createdAt };
}
