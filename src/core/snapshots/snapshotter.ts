// SPDX-License-Identifier: Apache-2.0
// Snapshots: filesystem states that stack.
//
// A *key* names an active snapshot (writable) or a view (read-only), a *name* a committed one (immutable, may be a
// parent). An active snapshot never becomes a parent, and a committed one never changes. Removing one that has children
// is failed-precondition. mounts() says how to see a snapshot; it mounts nothing itself.

import type { Digest } from "../../base/digest.ts";
import type { Mount } from "../mounts/mount.ts";

/** active can be written, view cannot, committed can be a parent. */
export type SnapshotKind = "active" | "view" | "committed";

/** A snapshot as its record has it. */
export interface SnapshotInfo {
  readonly key: string;
  readonly kind: SnapshotKind;
  readonly parent?: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** What applying or committing found: bytes and inodes of this layer alone. */
  readonly usage?: SnapshotUsage;
}

/** What it takes on disk beside its parent. */
export interface SnapshotUsage {
  readonly bytes: number;
  readonly inodes: number;
}

/** A layer whose blob is in the content store. */
export interface LayerSource {
  readonly digest: Digest;
  readonly mediaType: string;
  /** Bytes of the (compressed) blob. */
  readonly size: number;
  /** The file with the (compressed) blob. */
  readonly path: string;
  /** sha256 of the uncompressed tar, from the image configuration; data-loss when it does not match. */
  readonly diffId: Digest;
}

/** Something that a snapshot has otherwise than its parent. */
export interface SnapshotChange {
  /** Absolute; bytes that are no UTF-8 are replaced. */
  readonly path: string;
  readonly kind: "added" | "changed" | "removed";
  readonly isDirectory: boolean;
  /** A directory whose mode and owner are as they were: it is named because of what is in it. */
  readonly isContentOnly: boolean;
}

export interface ApplyOptions {
  readonly signal: AbortSignal;
  /** Bytes of the blob read so far. */
  readonly onProgress?: (bytes: number) => void;
}

/** Keeps file systems as layers on each other. */
export interface Snapshotter extends AsyncDisposable {
  /** Its name in the configuration, such as "overlay". */
  readonly id: string;
  /** The directory on whose file system everything lies. */
  readonly root: string;
  find(key: string): SnapshotInfo | undefined;
  walk(): Iterable<SnapshotInfo>;
  /** An active snapshot over a committed parent (or nothing); already-exists when the key is taken. */
  prepare(
    key: string,
    parent: string | undefined,
    options: { readonly signal: AbortSignal },
  ): Promise<readonly Mount[]>;
  /** A read-only view of a committed parent. */
  view(key: string, parent: string, options: { readonly signal: AbortSignal }): Promise<readonly Mount[]>;
  /** How to mount an active snapshot or a view; not-found otherwise. */
  mounts(key: string): Promise<readonly Mount[]>;
  /** Turns the active snapshot into a committed one under a name. */
  commit(name: string, key: string, options: { readonly signal: AbortSignal }): Promise<void>;
  /** Unpacks a layer over the parent into a committed snapshot; does nothing when the name is there already. */
  apply(name: string, parent: string | undefined, layer: LayerSource, options: ApplyOptions): Promise<void>;
  /** What this snapshot alone takes on disk now. */
  usage(key: string, options: { readonly signal: AbortSignal }): Promise<SnapshotUsage>;
  /**
   * Writes what this snapshot has over its parent into a file, as the tar of an OCI layer. Nobody may change it meanwhile.
   * failed-precondition when there is something that a layer cannot say. omit: paths as changes() gives them that are
   * left out with all that is in them.
   */
  writeDiff(
    key: string,
    file: string,
    options: { readonly signal: AbortSignal; readonly omit?: readonly string[] },
  ): Promise<void>;
  /** What this snapshot makes of its parent, a directory before what is in it; also while somebody changes it. */
  changes(key: string, options: { readonly signal: AbortSignal }): Promise<readonly SnapshotChange[]>;
  /** Removes it if it is there; failed-precondition when something stands on it. */
  remove(key: string): Promise<void>;
  /** Brings records and disk together after a crash: removes half-made snapshots and directories without a record. */
  recover(): Promise<void>;
}
