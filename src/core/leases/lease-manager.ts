// SPDX-License-Identifier: Apache-2.0
// Leases: what keeps objects from garbage collection while nothing else refers to them yet.
//
// Whoever is about to make or use objects takes a lease and adds each to it before it looks whether it is there. Disposing the
// lease ends it. A lease whose daemon was killed lives on until it expires, so that an interrupted pull finds its layers
// again; while its owner holds it, it does not expire.

import { notFound } from "../../base/errors.ts";
import { type LeaseId, newId } from "../../base/ids.ts";
import { defineTable, type Reader, type Store } from "../../storage/store.ts";

/** content by digest, an ingest by reference, a snapshot by key or name. */
export interface LeaseResource {
  readonly kind: "content" | "ingest" | "snapshot";
  readonly id: string;
}

/** A lease as it is stored. */
export interface LeaseRecord {
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly resources: readonly LeaseResource[];
}

/** Leases by id. */
export const leaseTable = defineTable<LeaseRecord>("leases");

/** Owned by the caller; disposing ends it. */
export interface Lease extends AsyncDisposable {
  readonly id: LeaseId;
  /** Resolves when they are safe; not-found when the lease has ended. */
  add(...resources: readonly LeaseResource[]): Promise<void>;
}

/** Makes leases and forgets them when they are released or have expired. */
export class LeaseManager {
  readonly #store: Store;
  readonly #held = new Set<string>();

  constructor(deps: { readonly store: Store }) {
    this.#store = deps.store;
  }

  /** expiresIn: milliseconds that it outlives a daemon that never ends it. */
  async create({ expiresIn }: { readonly expiresIn: number }): Promise<Lease> {
    const id = newId<LeaseId>();
    const createdAt = Date.now();
    const record: LeaseRecord = { createdAt, expiresAt: createdAt + expiresIn, resources: [] };
    await this.#store.transaction((transaction) => transaction.put(leaseTable, id, record));
    this.#held.add(id);
    return {
      id,
      add: (...resources) => this.#add(id, resources),
      [Symbol.asyncDispose]: () => this.#remove(id),
    };
  }

  /** What the leases hold that are held or not expired yet. */
  *resources(reader: Reader = this.#store): Generator<LeaseResource, void> {
    for (const [id, record] of reader.entries(leaseTable)) {
      if (this.#isLive(id, record)) yield* record.resources;
    }
  }

  /** Whether one of them holds this. */
  holds({ kind, id }: LeaseResource): boolean {
    return this.resources().some((resource) => resource.kind === kind && resource.id === id);
  }

  /** Forgets the expired ones. */
  async sweep(): Promise<void> {
    const isExpired = ([id, record]: readonly [string, LeaseRecord]) => !this.#isLive(id, record);
    if (!Array.from(this.#store.entries(leaseTable)).some(isExpired)) return;
    await this.#store.transaction((transaction) => {
      for (const entry of transaction.entries(leaseTable)) {
        if (isExpired(entry)) transaction.remove(leaseTable, entry[0]);
      }
    });
  }

  async #add(id: LeaseId, resources: readonly LeaseResource[]): Promise<void> {
    await this.#store.transaction((transaction) => {
      const record = transaction.find(leaseTable, id);
      if (record === undefined) throw notFound("lease", id);
      const isNew = (added: LeaseResource) =>
        !record.resources.some((resource) => resource.kind === added.kind && resource.id === added.id);
      transaction.put(leaseTable, id, { ...record, resources: [...record.resources, ...resources.filter(isNew)] });
    });
  }

  async #remove(id: LeaseId): Promise<void> {
    await this.#store.transaction((transaction) => transaction.remove(leaseTable, id));
    this.#held.delete(id);
  }

  #isLive(id: string, { expiresAt }: LeaseRecord): boolean {
    return this.#held.has(id) || expiresAt > Date.now();
  }
}
