// SPDX-License-Identifier: Apache-2.0
// Content: immutable blobs by digest.
//
// An ingest is an unfinished write under a reference of the caller's choice; opening the same reference again goes on
// where the bytes that reached the disk end. Commit checks size and digest, makes the blob durable (fsync, rename) and
// visible at once; what does not match is refused with data-loss and its bytes are thrown away. A blob never changes.

import type { Digest } from "../../base/digest.ts";

export interface ContentInfo {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

export interface ContentStore {
  find(digest: Digest): ContentInfo | undefined;
  /** All of it in memory; resource-exhausted when it is larger than maximumBytes, not-found when absent. */
  read(digest: Digest, options: { readonly maximumBytes: number }): Promise<Uint8Array>;
  /** Its bytes from offset on; not-found when absent. */
  open(digest: Digest, options: { readonly offset?: number; readonly signal: AbortSignal }): AsyncIterable<Uint8Array>;
  /** The file that holds it, for workers and runtimes that read it themselves; not-found when absent. */
  localPath(digest: Digest): string;
  /** Starts or resumes a write. One writer a reference: a second one gets failed-precondition. */
  ingest(reference: string, options: { readonly signal: AbortSignal }): Promise<Ingest>;
  walk(): Iterable<ContentInfo>;
  /** Removes the blob if it is there. */
  remove(digest: Digest): Promise<void>;
  /** Frees the bytes of a blob whose record garbage collection has removed; one that is known again meanwhile stays. */
  reclaim(digest: Digest): Promise<void>;
  /** Unfinished writes that nobody has open, with the time of their last byte. */
  walkIngests(): AsyncIterable<{ readonly reference: string; readonly size: number; readonly updatedAt: number }>;
  /** Throws an unfinished write away if it is there. */
  removeIngest(reference: string): Promise<void>;
}

/** Owned by the caller. Disposing without commit keeps the bytes for a later resume. */
export interface Ingest extends AsyncDisposable {
  readonly reference: string;
  /** Bytes written so far; where to resume. */
  readonly offset: number;
  write(chunk: Uint8Array): Promise<void>;
  /** Starts over from nothing, for a source that cannot resume. */
  restart(): Promise<void>;
  /** The sha256 of what was written, so far. */
  digest(): Digest;
  /** Checks, syncs and publishes; an already present blob is fine. Without expected, whatever was written is stored. */
  commit(expected: { readonly digest?: Digest; readonly size?: number }): Promise<ContentInfo>;
}
