// SPDX-License-Identifier: Apache-2.0
// Content in a directory. A blob is there when it has a record: its bytes are synced and renamed into place first, the
// record follows, and removal goes the other way round. What a crash leaves between the two has no record, nobody has
// been told of it, and recover throws it away.

import { chmod, mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { type Digest, digestHex, isDigest } from "../../../base/digest.ts";
import { EngineError, failedPrecondition, hasCode, notFound, toEngineError } from "../../../base/errors.ts";
import { failpoint } from "../../../base/failpoint.ts";
import { KeyedLock } from "../../../base/keyed-lock.ts";
import type { Logger } from "../../../base/log.ts";
import type { ContentInfo, ContentStore, Ingest } from "../../../core/content/content.ts";
import type { ContentRecords } from "../../../core/content/content-records.ts";
import { syncDirectory } from "../../../host/files/durable.ts";
import { ifThere } from "../../../host/files/errno.ts";
import { blobPath, blobsPath, dataFile, ingestPath, ingestsPath, referenceFile } from "./content-paths.ts";
import { type FinishedIngest, type IngestOwner, LocalIngest } from "./local-ingest.ts";
import { readFilePieces } from "./read-file.ts";

export interface LocalContentDeps {
  /** The directory that holds it all, <root>/content of the daemon; becomes 0700. */
  readonly root: string;
  readonly records: ContentRecords;
  readonly logger: Logger;
}

const algorithms = ["sha256", "sha512"] as const;

export class LocalContentStore implements ContentStore {
  readonly #root: string;
  readonly #records: ContentRecords;
  readonly #logger: Logger;
  /** By digest: the file and the record of a blob change together. */
  readonly #locks = new KeyedLock();
  readonly #openReferences = new Set<string>();
  readonly #owner: IngestOwner;

  private constructor({ root, records, logger }: LocalContentDeps) {
    this.#root = root;
    this.#records = records;
    this.#logger = logger;
    this.#owner = {
      publish: (finished) => this.#publish(finished),
      discard: removePath,
      release: (reference) => void this.#openReferences.delete(reference),
    };
  }

  /** Makes the directories and recovers from whatever ended the last daemon. */
  static async open(deps: LocalContentDeps): Promise<LocalContentStore> {
    const store = new LocalContentStore(deps);
    const blobs = algorithms.map((name) => path.join(blobsPath(deps.root), name));
    try {
      for (const directory of [ingestsPath(deps.root), ...blobs]) {
        await mkdir(directory, { recursive: true, mode: 0o700 });
      }
      await chmod(deps.root, 0o700);
      await store.recover();
    } catch (error) {
      throw toEngineError(error, `open the content store in ${deps.root}`);
    }
    return store;
  }

  find(digest: Digest): ContentInfo | undefined {
    return this.#records.find(digest);
  }

  walk(): Iterable<ContentInfo> {
    return this.#records.walk();
  }

  localPath(digest: Digest): string {
    this.#get(digest);
    return blobPath(this.#root, digest);
  }

  async read(digest: Digest, { maximumBytes }: { readonly maximumBytes: number }): Promise<Uint8Array> {
    const { size } = this.#get(digest);
    if (size > maximumBytes) {
      throw new EngineError("resource-exhausted", `blob ${digest} has ${size} bytes, more than ${maximumBytes}`);
    }
    try {
      return await readFile(blobPath(this.#root, digest));
    } catch (error) {
      throw toEngineError(error, `read blob ${digest}`);
    }
  }

  async *open(
    digest: Digest,
    { offset = 0, signal }: { readonly offset?: number; readonly signal: AbortSignal },
  ): AsyncIterable<Uint8Array> {
    const file = this.localPath(digest);
    try {
      yield* readFilePieces(file, { offset, signal });
    } catch (error) {
      if (signal.aborted) throw error;
      throw toEngineError(error, `read blob ${digest}`);
    }
  }

  async ingest(reference: string, { signal }: { readonly signal: AbortSignal }): Promise<Ingest> {
    this.#claim(reference);
    try {
      const directory = ingestPath(this.#root, reference);
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await writeFile(referenceFile(directory), reference, { mode: 0o600 });
      return await LocalIngest.open({ owner: this.#owner, reference, directory, signal });
    } catch (error) {
      this.#openReferences.delete(reference);
      if (signal.aborted) throw error;
      throw toEngineError(error, `open ingest ${reference} in ${this.#root}`);
    }
  }

  async remove(digest: Digest): Promise<void> {
    using _lock = await this.#locks.acquire(digest);
    await this.#records.remove([digest]);
    await removePath(blobPath(this.#root, digest));
  }

  async reclaim(digest: Digest): Promise<void> {
    using _lock = await this.#locks.acquire(digest);
    if (this.#records.find(digest) === undefined) await removePath(blobPath(this.#root, digest));
  }

  async *walkIngests(): AsyncGenerator<{ reference: string; size: number; updatedAt: number }> {
    for (const name of await readdir(ingestsPath(this.#root))) {
      const directory = path.join(ingestsPath(this.#root), name);
      const found = await this.#describeIngest(directory);
      if (found !== undefined && !this.#openReferences.has(found.reference)) yield found;
    }
  }

  async removeIngest(reference: string): Promise<void> {
    this.#claim(reference);
    try {
      await removePath(ingestPath(this.#root, reference));
    } finally {
      this.#openReferences.delete(reference);
    }
  }

  /** Brings files and records together: a blob needs both, of the same size; an ingest needs its reference and its data. */
  async recover(): Promise<void> {
    const lost: Digest[] = [];
    for (const { digest, size } of this.#records.walk()) {
      const found = await sizeOf(blobPath(this.#root, digest));
      if (found === size) continue;
      this.#logger.warn({ digest, size, found }, "drop a blob that is not whole on disk");
      lost.push(digest);
    }
    await this.#records.remove(lost);
    for (const algorithm of algorithms) await this.#removeUnknown(algorithm);
    for (const name of await readdir(ingestsPath(this.#root))) {
      const directory = path.join(ingestsPath(this.#root), name);
      if ((await this.#describeIngest(directory)) === undefined) await removePath(directory);
    }
  }

  async #removeUnknown(algorithm: string): Promise<void> {
    const directory = path.join(blobsPath(this.#root), algorithm);
    for (const name of await readdir(directory)) {
      const digest = `${algorithm}:${name}`;
      if (isDigest(digest) && this.#records.find(digest) !== undefined) continue;
      this.#logger.info({ file: path.join(directory, name) }, "remove a file that is no blob");
      await removePath(path.join(directory, name));
    }
  }

  /** undefined for a directory in which a write has not begun or has ended, or whose reference a crash cut short. */
  async #describeIngest(
    directory: string,
  ): Promise<{ reference: string; size: number; updatedAt: number } | undefined> {
    try {
      const reference = await readFile(referenceFile(directory), "utf8");
      const { size, mtimeMs } = await stat(dataFile(directory));
      return directory === ingestPath(this.#root, reference) ? { reference, size, updatedAt: mtimeMs } : undefined;
    } catch (error) {
      if (hasCode(error, "not-found")) return undefined;
      throw toEngineError(error, `look at ingest ${directory}`);
    }
  }

  async #publish({ reference, directory, digest, size }: FinishedIngest): Promise<ContentInfo> {
    using _lock = await this.#locks.acquire(digest);
    const blob = blobPath(this.#root, digest);
    const known = this.#records.find(digest);
    if (known !== undefined) {
      await removePath(directory);
      return known;
    }
    try {
      await rename(dataFile(directory), blob);
      await syncDirectory(path.dirname(blob));
      await failpoint("content.published");
      const info = await this.#records.insert(digest, size);
      await removePath(directory);
      return info;
    } catch (error) {
      await this.#unpublish(digest, directory);
      throw toEngineError(error, `store blob ${digest} of ${reference}`);
    }
  }

  /** Gives the bytes back to the ingest, to be committed again later, unless the record made it. */
  async #unpublish(digest: Digest, directory: string): Promise<void> {
    if (this.#records.find(digest) !== undefined) return;
    try {
      await rename(blobPath(this.#root, digest), dataFile(directory));
    } catch (error) {
      // The failure that led here is the one to report; recover removes a blob without a record.
      this.#logger.warn({ err: error, blob: digestHex(digest) }, "cannot take a blob back into its ingest");
    }
  }

  #claim(reference: string): void {
    if (this.#openReferences.has(reference)) throw failedPrecondition(`ingest ${reference} has a writer already`);
    this.#openReferences.add(reference);
  }

  #get(digest: Digest): ContentInfo {
    const info = this.#records.find(digest);
    if (info === undefined) throw notFound("blob", digest);
    return info;
  }
}

/** Removes a file or a directory with all in it, if it is there. */
async function removePath(target: string): Promise<void> {
  try {
    await rm(target, { recursive: true, force: true });
  } catch (error) {
    throw toEngineError(error, `remove ${target}`);
  }
}

async function sizeOf(file: string): Promise<number | undefined> {
  try {
    return (await ifThere(stat(file)))?.size;
  } catch (error) {
    throw toEngineError(error, `look at blob ${file}`);
  }
}
