// SPDX-License-Identifier: Apache-2.0
// The store on disk: one LMDB file, one key space. A key is the table's name, a zero byte and the row's key in UTF-8, so
// a table is a range of keys and a transaction spans tables at no cost.
//
// LMDB's own promises resolve before the data is on disk unless overlappingSync is off; with it off a commit is written
// and synced in the library's thread before it becomes visible and before its promise resolves. Transactions asked for
// at the same time share one commit, each inside a nested transaction of its own that can be undone alone.

import { Buffer } from "node:buffer";
import { chmod, mkdir, open as openFile, statfs } from "node:fs/promises";
import path from "node:path";
import { open, type RootDatabase } from "lmdb";
import { assert, EngineError, failedPrecondition, hasCode, isEngineError, toEngineError } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import type { KeyRange, Store, Table, Transaction } from "../store.ts";
import { encodeKey } from "../store-key.ts";

type Database = RootDatabase<unknown, Buffer>;

const magic = 0xbeefc0de;
const magicOffset = 24;
const eio = 5;
const enospc = 28;
/** LMDB reports the short write that a full disk gives as EIO; with less than this left, it was that. */
const fullDiskBytes = 1024 * 1024;

class LmdbStore implements Store {
  readonly #database: Database;
  readonly #directory: string;
  readonly #logger: Logger;
  readonly #transaction: Transaction;
  readonly #running = new Set<Promise<unknown>>();
  #closed = false;

  constructor(database: Database, directory: string, logger: Logger) {
    this.#database = database;
    this.#directory = directory;
    this.#logger = logger;
    // Inside a transaction's function the database reads and writes through that transaction.
    this.#transaction = {
      find: (table, key) => this.find(table, key),
      entries: (table, range) => this.entries(table, range),
      put: (table, key, value) => database.putSync(rowKey(table, key), value),
      remove: (table, key) => void database.removeSync(rowKey(table, key)),
    };
  }

  find<V>(table: Table<V>, key: string): V | undefined {
    return this.#database.get(rowKey(table, key)) as V | undefined;
  }

  /** The rows are read at once, so a caller may change the table while it walks. */
  entries<V>(table: Table<V>, range: KeyRange = {}): Iterable<readonly [string, V]> {
    const prefix = rowKey(table, range.prefix ?? "");
    const after = range.after === undefined ? undefined : Buffer.concat([rowKey(table, range.after), Buffer.of(0)]);
    const start = after !== undefined && Buffer.compare(after, prefix) > 0 ? after : prefix;
    const keyOffset = table.name.length + 1;
    const rows: (readonly [string, V])[] = [];
    const limit = range.limit === undefined ? {} : { limit: range.limit };
    for (const { key, value } of this.#database.getRange({ start, end: afterPrefix(prefix), ...limit })) {
      rows.push([key.toString("utf8", keyOffset), value as V]);
    }
    return rows;
  }

  async transaction<R>(change: (transaction: Transaction) => R): Promise<R> {
    if (this.#closed) throw failedPrecondition("the store is closed");
    const running = this.#commit(change);
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  async #commit<R>(change: (transaction: Transaction) => R): Promise<R> {
    // What the function throws is told apart from what LMDB throws: the caller gets his own error back as it is.
    let thrown: { readonly error: unknown } | undefined;
    try {
      return await this.#database.childTransaction(() => {
        try {
          const result = change(this.#transaction);
          assert(!(result instanceof Promise), "a transaction function must be synchronous");
          return result;
        } catch (error) {
          thrown = { error };
          throw error;
        }
      });
    } catch (error) {
      if (thrown !== undefined) throw thrown.error;
      throw await this.#commitError(error);
    }
  }

  async #commitError(error: unknown): Promise<EngineError> {
    const reason = await reasonOf(error);
    const failure = toEngineError(reason, `write the metadata store in ${this.#directory}`);
    const full = (await isFull(reason, this.#directory))
      ? new EngineError(
          "resource-exhausted",
          `no space left for the metadata store in ${this.#directory}: free some space on its file system`,
          { cause: reason },
        )
      : failure;
    this.#logger.error({ err: reason, directory: this.#directory }, full.message);
    return full;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.allSettled(this.#running);
    await this.#database.close();
  }
}

function rowKey(table: Table<unknown>, key: string): Buffer {
  return Buffer.concat([Buffer.from(`${table.name}\0`, "latin1"), encodeKey(table.name, key)]);
}

/** The smallest key above all that start with this prefix: no byte of a prefix is 255, which UTF-8 never has. */
function afterPrefix(prefix: Buffer): Buffer {
  const end = Buffer.from(prefix);
  const last = end.length - 1;
  end.writeUInt8(end.readUInt8(last) + 1, last);
  return end;
}

/** lmdb hides the reason of a failed commit in a promise that rejects a little later. */
async function reasonOf(error: unknown): Promise<unknown> {
  const { commitError } = error as { commitError?: Promise<never> };
  if (commitError === undefined) return error;
  return await commitError.catch((reason: unknown) => reason);
}

async function isFull(reason: unknown, directory: string): Promise<boolean> {
  const { code } = reason as { code?: unknown };
  if (code === enospc) return true;
  if (code !== eio) return false;
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize < fullDiskBytes;
}

/** The library crashes the process on a file that is not LMDB's: look at the magic number of its first page ourselves. */
async function checkFile(file: string): Promise<void> {
  let head: Buffer;
  try {
    await using handle = await openFile(file);
    head = (await handle.read({ buffer: Buffer.alloc(magicOffset + 4) })).buffer;
    if ((await handle.stat()).size === 0) return;
  } catch (error) {
    if (hasCode(error, "not-found")) return;
    throw error;
  }
  if (head.readUInt32LE(magicOffset) === magic) return;
  throw new EngineError("data-loss", `${file} is not a metadata store: restore it from a backup or move it away`);
}

export interface LmdbStoreOptions {
  readonly logger: Logger;
}

/** Opens or creates the store in this directory, which becomes 0700. One process at a time: the daemon's lock sees to it. */
export async function openLmdbStore(directory: string, { logger }: LmdbStoreOptions): Promise<Store> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await chmod(directory, 0o700);
    const file = path.join(directory, "data.mdb");
    await checkFile(file);
    const database = open<unknown, Buffer>({
      path: file,
      noSubdir: true,
      keyEncoding: "binary",
      encoder: { useRecords: false },
      overlappingSync: false,
      // With batching by event turns the library leaves a rejected promise behind that nobody can handle.
      eventTurnBatching: false,
    });
    return new LmdbStore(database, directory, logger);
  } catch (error) {
    throw isEngineError(error) ? error : toEngineError(error, `open the metadata store in ${directory}`);
  }
}
