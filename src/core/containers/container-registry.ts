// SPDX-License-Identifier: Apache-2.0
// Keeps the records of containers: names and ids are reserved with the record in one transaction, and a change of state
// is visible only after it is on disk.

import { EngineError, invalidArgument, notFound } from "../../base/errors.ts";
import { type ContainerId, checkName, shortId } from "../../base/ids.ts";
import { randomName } from "../../base/random-name.ts";
import type { RuntimeResources, RuntimeSpec } from "../../oci/runtime/spec.ts";
import { formatRuntimeSpec, parseRuntimeSpec } from "../../oci/runtime/spec-text.ts";
import type { Reader, Store, Transaction } from "../../storage/store.ts";
import {
  type ContainerRecord,
  type ContainerState,
  containerNameTable,
  containerSpecTable,
  containerTable,
} from "./container.ts";

import type { ContainerConfig } from "./container-config.ts";

/** What is to be kept with a new record, and what must still hold when it is stored. */
export interface InsertOptions {
  readonly spec?: RuntimeSpec;
  /** Throws when it does not. */
  readonly check?: (reader: Reader) => void;
}

/** The records of all containers, in the store. */
export class ContainerRegistry {
  readonly #store: Store;

  constructor(deps: { readonly store: Store }) {
    this.#store = deps.store;
  }

  /** By full id, by name (with or without a leading slash), or by a unique prefix of an id, in this order. */
  find(reference: string): ContainerRecord | undefined {
    const name = reference.replace(/^\//, "");
    if (name === "") return undefined;
    const byId = this.#store.find(containerTable, name);
    if (byId !== undefined) return byId;
    const idOfName = this.#store.find(containerNameTable, name);
    if (idOfName !== undefined) return this.#store.find(containerTable, idOfName);
    if (!/^[0-9a-f]{1,64}$/.test(name)) return undefined;
    const matches = [...this.#store.entries(containerTable, { prefix: name, limit: 2 })];
    if (matches.length > 1) throw invalidArgument(`multiple containers match the id prefix ${name}: give more of it`);
    return matches[0]?.[1];
  }

  get(reference: string): ContainerRecord {
    const record = this.find(reference);
    if (record === undefined) throw notFound("container", reference);
    return record;
  }

  /** All of them, oldest first. */
  list(): ContainerRecord[] {
    return Array.from(this.#store.entries(containerTable), ([, record]) => record).sort(
      (a, b) => a.createdAt - b.createdAt,
    );
  }

  /** Stores a new record under its name, or under a free random one when the name is empty. */
  async insert(record: ContainerRecord, { spec, check }: InsertOptions = {}): Promise<ContainerRecord> {
    if (record.name !== "") checkName("container", record.name);
    return await this.#store.transaction((transaction) => {
      check?.(transaction);
      const name = record.name === "" ? freeName(transaction) : record.name;
      const owner = transaction.find(containerNameTable, name);
      if (owner !== undefined) throw nameInUse(name, owner);
      const stored = { ...record, name };
      transaction.put(containerTable, record.id, stored);
      transaction.put(containerNameTable, name, record.id);
      if (spec !== undefined) transaction.put(containerSpecTable, record.id, formatRuntimeSpec(spec));
      return stored;
    });
  }

  /** Fails early, before anything is made for a container whose name is taken; insert decides. */
  checkNameFree(name: string): void {
    if (name === "") return;
    checkName("container", name);
    const owner = this.#store.find(containerNameTable, name);
    if (owner !== undefined) throw nameInUse(name, owner);
  }

  /** Replaces parts of the record; not-found when it has been removed meanwhile. */
  async update(id: ContainerId, change: Partial<Omit<ContainerRecord, "id" | "name">>): Promise<ContainerRecord> {
    return await this.#store.transaction((transaction) => {
      const record = transaction.find(containerTable, id);
      if (record === undefined) throw notFound("container", id);
      const updated = { ...record, ...change };
      transaction.put(containerTable, id, updated);
      return updated;
    });
  }

  /** Frees the old name in the same moment; conflict when the new one is taken. */
  async rename(id: ContainerId, name: string): Promise<ContainerRecord> {
    checkName("container", name);
    return await this.#store.transaction((transaction) => {
      const record = transaction.find(containerTable, id);
      if (record === undefined) throw notFound("container", id);
      const owner = transaction.find(containerNameTable, name);
      if (owner !== undefined) throw nameInUse(name, owner);
      const renamed = { ...record, name };
      transaction.remove(containerNameTable, record.name);
      transaction.put(containerNameTable, name, id);
      transaction.put(containerTable, id, renamed);
      return renamed;
    });
  }

  /** Keeps new limits with the record and, where a specification is kept, in that. */
  async updateLimits(id: ContainerId, config: ContainerConfig, limits: RuntimeResources): Promise<ContainerRecord> {
    return await this.#store.transaction((transaction) => {
      const record = transaction.find(containerTable, id);
      if (record === undefined) throw notFound("container", id);
      const updated = { ...record, config };
      transaction.put(containerTable, id, updated);
      putLimits(transaction, id, limits);
      return updated;
    });
  }

  async updateState(id: ContainerId, change: Partial<ContainerState>): Promise<ContainerRecord> {
    return await this.#store.transaction((transaction) => {
      const record = transaction.find(containerTable, id);
      if (record === undefined) throw notFound("container", id);
      const updated = { ...record, state: { ...record.state, ...change } };
      transaction.put(containerTable, id, updated);
      return updated;
    });
  }

  /** Frees the id and the name; does nothing when it is gone. */
  async remove(id: ContainerId): Promise<void> {
    await this.#store.transaction((transaction: Transaction) => {
      const record = transaction.find(containerTable, id);
      if (record === undefined) return;
      transaction.remove(containerTable, id);
      transaction.remove(containerNameTable, record.name);
      transaction.remove(containerSpecTable, id);
    });
  }

  /** What a container runs as, when that was decided at its creation. */
  findSpec(id: ContainerId): RuntimeSpec | undefined {
    const text = this.#store.find(containerSpecTable, id);
    return text === undefined ? undefined : parseRuntimeSpec(text);
  }
}

function freeName(reader: Reader): string {
  for (let attempt = 0; attempt < 100; attempt++) {
    const name = randomName(attempt);
    if (reader.find(containerNameTable, name) === undefined) return name;
  }
  throw new EngineError("resource-exhausted", "no free random container name found: give one with --name");
}

function nameInUse(name: string, owner: ContainerId): EngineError {
  return new EngineError(
    "conflict",
    `the container name "/${name}" is already in use by container "${shortId(owner)}". You have to remove (or rename) that container to be able to reuse that name`,
    { details: { kind: "container", id: owner } },
  );
}

/** What is not limited stays as it is: devices are no limit. */
function putLimits(
  transaction: Transaction,
  id: ContainerId,
  { devices: _devices, ...limits }: RuntimeResources,
): void {
  const text = transaction.find(containerSpecTable, id);
  if (text === undefined) return;
  const spec = parseRuntimeSpec(text);
  const before = spec.linux.resources ?? {};
  const resources = {
    ...before,
    ...limits,
    ...(limits.cpu !== undefined && { cpu: { ...before.cpu, ...limits.cpu } }),
    ...(limits.memory !== undefined && { memory: { ...before.memory, ...limits.memory } }),
    ...(limits.unified !== undefined && { unified: { ...before.unified, ...limits.unified } }),
  };
  transaction.put(containerSpecTable, id, formatRuntimeSpec({ ...spec, linux: { ...spec.linux, resources } }));
}
