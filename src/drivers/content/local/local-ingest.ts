// SPDX-License-Identifier: Apache-2.0
// One unfinished write: a file that grows and the hash of what is in it. The hash is computed while the kernel takes the
// same bytes, so a write costs the slower of the two.

import { createHash, type Hash } from "node:crypto";
import { type FileHandle, open, statfs } from "node:fs/promises";
import { type Digest, digestAlgorithm, sha256Digest } from "../../../base/digest.ts";
import { EngineError, failedPrecondition, hasCode, messageOf, toEngineError } from "../../../base/errors.ts";
import type { ContentInfo, Ingest } from "../../../core/content/content.ts";
import { dataFile } from "./content-paths.ts";
import { readPieces } from "./read-file.ts";

/** A finished write, as the store takes it over. */
export interface FinishedIngest {
  readonly reference: string;
  readonly directory: string;
  readonly digest: Digest;
  readonly size: number;
}

export interface IngestOwner {
  /** Publishes the bytes, which are on disk, and removes the ingest's directory. */
  publish(finished: FinishedIngest): Promise<ContentInfo>;
  /** Removes the directory of a write whose bytes are wrong. */
  discard(directory: string): Promise<void>;
  /** Lets the next writer of the reference in. */
  release(reference: string): void;
}

interface IngestStart {
  readonly owner: IngestOwner;
  readonly reference: string;
  readonly directory: string;
  readonly signal: AbortSignal;
}

type State = "open" | "failed" | "closed";

export class LocalIngest implements Ingest {
  readonly reference: string;
  readonly #owner: IngestOwner;
  readonly #directory: string;
  readonly #handle: FileHandle;
  #hash: Hash = createHash("sha256");
  #offset = 0;
  #state: State = "open";

  private constructor({ owner, reference, directory }: IngestStart, handle: FileHandle) {
    this.reference = reference;
    this.#owner = owner;
    this.#directory = directory;
    this.#handle = handle;
  }

  /** Opens the data file of the directory and hashes what an earlier writer left in it. */
  static async open(start: IngestStart): Promise<LocalIngest> {
    const handle = await open(dataFile(start.directory), "a+", 0o600);
    try {
      const ingest = new LocalIngest(start, handle);
      for await (const piece of readPieces(handle, { offset: 0, signal: start.signal })) {
        ingest.#hash.update(piece);
        ingest.#offset += piece.length;
      }
      return ingest;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  get offset(): number {
    return this.#offset;
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#checkOpen();
    const writing = this.#append(chunk);
    this.#hash.update(chunk);
    try {
      await writing;
      this.#offset += chunk.length;
    } catch (error) {
      // The hash is ahead of the file now: only restarting or opening the reference again gives a right one.
      this.#state = "failed";
      throw await this.#writeError(error);
    }
  }

  async restart(): Promise<void> {
    if (this.#state === "closed") throw this.#closedError();
    try {
      await this.#handle.truncate(0);
    } catch (error) {
      throw toEngineError(error, `empty ingest ${this.reference}`);
    }
    this.#hash = createHash("sha256");
    this.#offset = 0;
    this.#state = "open";
  }

  digest(): Digest {
    return sha256Digest(this.#hash.copy().digest("hex"));
  }

  async commit(expected: { readonly digest?: Digest; readonly size?: number }): Promise<ContentInfo> {
    this.#checkOpen();
    const digest = await this.#check(expected);
    try {
      await this.#handle.sync();
    } catch (error) {
      this.#state = "failed";
      throw await this.#writeError(error);
    }
    await this.#close();
    try {
      const { reference } = this;
      return await this.#owner.publish({ reference, directory: this.#directory, digest, size: this.#offset });
    } finally {
      this.#owner.release(this.reference);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state === "closed") return;
    try {
      await this.#close();
    } finally {
      this.#owner.release(this.reference);
    }
  }

  /** A file opened for appending takes each write at its end; one that the kernel cuts short goes on with the rest. */
  async #append(chunk: Uint8Array): Promise<void> {
    for (let written = 0; written < chunk.length; ) {
      const { bytesWritten } = await this.#handle.write(chunk, written, chunk.length - written);
      written += bytesWritten;
    }
  }

  /** The digest under which to publish; throws the bytes away when they are not what was expected. */
  async #check(expected: { readonly digest?: Digest; readonly size?: number }): Promise<Digest> {
    if (expected.size !== undefined && expected.size !== this.#offset) {
      throw await this.#refuse(`has ${this.#offset} bytes, expected ${expected.size}`);
    }
    const digest = await this.#digestLike(expected.digest);
    if (expected.digest !== undefined && expected.digest !== digest) {
      throw await this.#refuse(`has digest ${digest}, expected ${expected.digest}`);
    }
    return digest;
  }

  /** In the algorithm of the expected digest; all but sha256, which is at hand, take another reading of the file. */
  async #digestLike(expected: Digest | undefined): Promise<Digest> {
    const algorithm = expected === undefined ? "sha256" : digestAlgorithm(expected);
    if (algorithm === "sha256") return this.digest();
    const hash = createHash(algorithm);
    const { signal } = new AbortController();
    for await (const piece of readPieces(this.#handle, { offset: 0, signal })) hash.update(piece);
    return `${algorithm}:${hash.digest("hex")}` as Digest;
  }

  async #refuse(what: string): Promise<EngineError> {
    await this.#close();
    try {
      await this.#owner.discard(this.#directory);
    } finally {
      this.#owner.release(this.reference);
    }
    return new EngineError("data-loss", `content of ${this.reference} ${what}`);
  }

  async #close(): Promise<void> {
    this.#state = "closed";
    await this.#handle.close();
  }

  #checkOpen(): void {
    if (this.#state === "closed") throw this.#closedError();
    if (this.#state === "failed") {
      throw failedPrecondition(`an earlier write to ingest ${this.reference} failed: open it again`);
    }
  }

  #closedError(): EngineError {
    return failedPrecondition(`ingest ${this.reference} is closed`);
  }

  async #writeError(error: unknown): Promise<EngineError> {
    const context = `write content of ${this.reference}`;
    if (!hasCode(error, "resource-exhausted")) return toEngineError(error, context);
    return new EngineError(
      "resource-exhausted",
      `${context}: ${messageOf(error)}: ${await spaceOf(this.#directory)}, ${this.#offset} bytes were written before`,
      { cause: error },
    );
  }
}

async function spaceOf(directory: string): Promise<string> {
  const { bavail, bsize } = await statfs(directory);
  return `${bavail * bsize} bytes are free in ${directory}`;
}
