// SPDX-License-Identifier: Apache-2.0
// Makes, finds and removes volumes. The directory comes first and the record second; removing marks the record first, so
// whatever a crash cuts short is finished by recover.

import { conflict, EngineError, failedPrecondition, hasCode, invalidArgument, notFound } from "../../base/errors.ts";
import { failpoint } from "../../base/failpoint.ts";
import { newId } from "../../base/ids.ts";
import { KeyedLock } from "../../base/keyed-lock.ts";
import type { Logger } from "../../base/log.ts";
import type { MountPropagation } from "../../base/parse/mount-request.ts";
import type { Store } from "../../storage/store.ts";
import { type BindSources, type VolumeDriver, type VolumeRecord, type VolumeUsers, volumeTable } from "./volume.ts";

export interface EnsuredVolume {
  readonly volume: VolumeRecord;
  /** False when it was there already; its labels are then as they were. */
  readonly isNew: boolean;
}

/** A volume that cannot be removed before it is disposed: it is still there when its container is recorded. */
export type HeldVolume = EnsuredVolume & Disposable;

export interface EnsureOptions {
  /** Of a new one. */
  readonly labels: Readonly<Record<string, string>>;
}

export class VolumeService {
  readonly #store: Store;
  readonly #driver: VolumeDriver;
  readonly #bindSources: BindSources;
  readonly #usersOf: VolumeUsers;
  readonly #logger: Logger;
  readonly #locks = new KeyedLock();
  /** How many hold a volume for a container that has no record yet. */
  readonly #holds = new Map<string, number>();

  constructor(deps: {
    readonly store: Store;
    readonly driver: VolumeDriver;
    readonly bindSources: BindSources;
    readonly usersOf: VolumeUsers;
    readonly logger: Logger;
  }) {
    this.#store = deps.store;
    this.#driver = deps.driver;
    this.#bindSources = deps.bindSources;
    this.#usersOf = deps.usersOf;
    this.#logger = deps.logger;
  }

  /** The name of the driver that keeps them. */
  get driverId(): string {
    return this.#driver.id;
  }

  find(name: string): VolumeRecord | undefined {
    const record = this.#store.find(volumeTable, name);
    return record?.removing === true ? undefined : record;
  }

  get(name: string): VolumeRecord {
    const record = this.find(name);
    if (record === undefined) throw notFound("volume", name);
    return record;
  }

  /** All of them, by name. */
  list(): VolumeRecord[] {
    return Array.from(this.#store.entries(volumeTable), ([, record]) => record).filter((record) => !record.removing);
  }

  /** The ids of the containers that have it. */
  usersOf(name: string): readonly string[] {
    return this.#usersOf(this.#store, name);
  }

  /** Bytes of all that is in it. */
  async usage(name: string, options: { readonly signal: AbortSignal }): Promise<number> {
    return await this.#driver.usage(this.get(name).name, options);
  }

  /** The volume of that name, made if need be; a new anonymous one without a name. */
  async ensure(name: string | undefined, options: EnsureOptions): Promise<EnsuredVolume> {
    return await this.#ensure(name ?? newId(), { ...options, anonymous: name === undefined });
  }

  async #ensure(name: string, { labels, anonymous }: EnsureOptions & { readonly anonymous: boolean }) {
    const wanted = checkVolumeName(name);
    return await this.#locks.run(wanted, async (): Promise<EnsuredVolume> => {
      const known = this.#store.find(volumeTable, wanted);
      if (known?.removing === true) await this.#finishRemoval(wanted);
      else if (known !== undefined) return { volume: known, isNew: false };
      const path = await this.#driver.create(wanted);
      await failpoint("volume:created");
      const volume = { name: wanted, path, labels, anonymous, createdAt: Date.now() };
      await this.#store.transaction((transaction) => transaction.put(volumeTable, wanted, volume));
      return { volume, isNew: true };
    });
  }

  /** The same, held for a container that is being created. */
  async acquire(name: string | undefined, options: EnsureOptions): Promise<HeldVolume> {
    const wanted = name ?? newId();
    const hold = this.#hold(wanted);
    try {
      return { ...(await this.#ensure(wanted, { ...options, anonymous: name === undefined })), ...hold };
    } catch (error) {
      hold[Symbol.dispose]();
      throw error;
    }
  }

  #hold(name: string): Disposable {
    this.#holds.set(name, (this.#holds.get(name) ?? 0) + 1);
    let isHeld = true;
    return {
      [Symbol.dispose]: () => {
        if (!isHeld) return;
        isHeld = false;
        const left = (this.#holds.get(name) ?? 1) - 1;
        if (left === 0) this.#holds.delete(name);
        else this.#holds.set(name, left);
      },
    };
  }

  /** not-found when there is none; conflict while a container has it, or is being created with it. */
  async remove(name: string): Promise<void> {
    await this.#locks.run(name, async () => {
      if (this.#holds.has(name))
        throw conflict(`remove ${name}: volume is in use by a container that is being created`);
      await this.#store.transaction((transaction) => {
        const record = transaction.find(volumeTable, name);
        if (record === undefined || record.removing) throw notFound("volume", name);
        const users = this.#usersOf(transaction, name);
        if (users.length > 0) throw conflict(`remove ${name}: volume is in use - [${users.join(", ")}]`);
        transaction.put(volumeTable, name, { ...record, removing: true });
      });
      await failpoint("volume:removing");
      await this.#finishRemoval(name);
    });
  }

  /** Docker's text when the source of a bind is not there. */
  async checkBindSource(source: string, options: { readonly create: boolean }): Promise<void> {
    try {
      await this.#bindSources.check(source, options);
    } catch (error) {
      if (!hasCode(error, "not-found")) throw error;
      throw invalidArgument(`invalid mount config for type "bind": bind source path does not exist: ${source}`, error);
    }
  }

  /** Docker's texts when a bind shall share mounts, and what its source is mounted on does not. */
  async checkBindPropagation(source: string, propagation: MountPropagation): Promise<void> {
    if (propagation.endsWith("private")) return;
    const { mountPoint, shared, slave } = await this.#bindSources.mountOf(source);
    const onlyShared = propagation.endsWith("shared");
    if (shared || (slave && !onlyShared)) return;
    const wanted = onlyShared ? "a shared" : "a shared or slave";
    throw failedPrecondition(`path ${source} is mounted on ${mountPoint} but it is not ${wanted} mount`);
  }

  /** Gives the files of a bind an SELinux label. */
  async relabelBindSource(source: string, label: string): Promise<void> {
    await this.#bindSources.relabel(source, label);
  }

  /** Brings records and directories together: finishes removals, makes missing directories, adopts unknown ones. */
  async recover(): Promise<void> {
    const directories = new Set(await this.#driver.list());
    // A copy: what follows changes the table.
    const records = Array.from(this.#store.entries(volumeTable));
    for (const [name, record] of records) {
      if (record.removing) await this.#finishRemoval(name);
      else if (!directories.has(name)) {
        this.#logger.error({ volume: name }, "a volume's directory is gone: it is made again, empty");
        await this.#driver.create(name);
      }
      directories.delete(name);
    }
    for (const name of directories) await this.#adopt(name);
  }

  /** A directory that no record knows: a creation that was cut short when it is empty, somebody's data otherwise. */
  async #adopt(name: string): Promise<void> {
    if (await this.#driver.isEmpty(name)) return await this.#driver.remove(name);
    const path = await this.#driver.create(name);
    const anonymous = /^[0-9a-f]{64}$/.test(name);
    const record: VolumeRecord = { name, path, labels: {}, anonymous, createdAt: Date.now() };
    await this.#store.transaction((transaction) => transaction.put(volumeTable, name, record));
    this.#logger.warn({ volume: name }, "adopted a volume without a record");
  }

  async #finishRemoval(name: string): Promise<void> {
    await this.#driver.remove(name);
    await this.#store.transaction((transaction) => transaction.remove(volumeTable, name));
  }
}

const longestFileName = 255;

/** Docker's rules for names, which also keep them from being paths. */
function checkVolumeName(name: string): string {
  if (name.length === 1) {
    throw invalidArgument("volume name is too short, names should be at least two alphanumeric characters");
  }
  if (name.length > longestFileName) {
    throw new EngineError("invalid-argument", `volume name is too long, ${longestFileName} characters are allowed`);
  }
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name)) {
    throw invalidArgument(
      `create ${name}: "${name}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
    );
  }
  return name;
}
