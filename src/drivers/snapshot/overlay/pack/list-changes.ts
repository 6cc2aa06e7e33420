// SPDX-License-Identifier: Apache-2.0
// What a snapshot's own layer makes of the layers below, by name. The directory may change meanwhile: what is gone when
// it is looked at is left out.

import { lstatSync, readdirSync, type Stats } from "node:fs";
import { type ByteString, byteStringToText } from "../../../../base/byte-string.ts";
import type { SnapshotChange } from "../../../../core/snapshots/snapshotter.ts";
import { hasErrno } from "../../../../host/files/errno.ts";
import { getXattr, openAt2, openFlags, resolveFlags } from "../../../../linux/ffi/file.ts";
import { closeDescriptor } from "../../../../linux/ffi/libc.ts";
import { descriptorPath, isWhiteout, LowerLayers, openDirectory } from "../unpack/lower-layers.ts";

const inside = resolveFlags.beneath | resolveFlags.noSymlinks | resolveFlags.noMagicLinks;

/** lower: the layers' roots, the topmost first. In the order of the tree, a directory before what is in it. */
export function listChanges(
  directory: string,
  lower: readonly string[],
  { signal }: { readonly signal: AbortSignal },
): readonly SnapshotChange[] {
  using layers = new LowerLayers(lower);
  const root = openDirectory(directory);
  try {
    const changes: SnapshotChange[] = [];
    visit({ root, layers, changes, signal }, "");
    return changes;
  } finally {
    closeDescriptor(root);
  }
}

interface Walk {
  readonly root: number;
  readonly layers: LowerLayers;
  readonly changes: SnapshotChange[];
  readonly signal: AbortSignal;
}

function visit(walk: Walk, prefix: ByteString): void {
  const { own, isOpaque } = look(walk, prefix);
  // What an opaque directory hides is gone, unless it was made anew.
  const hidden = isOpaque ? walk.layers.names(prefix.slice(0, -1)).filter((name) => !own.has(name)) : [];
  for (const name of [...own.keys(), ...hidden].sort()) {
    walk.signal.throwIfAborted();
    report(walk, `${prefix}${name}`, own.get(name));
  }
}

function report(walk: Walk, path: ByteString, stats: Stats | undefined): void {
  const below = walk.layers.find(path)?.stats;
  if (stats === undefined || isWhiteout(stats)) {
    if (below !== undefined) add(walk, path, { kind: "removed", isDirectory: false, isContentOnly: false });
    return;
  }
  const isDirectory = stats.isDirectory();
  const isContentOnly = isDirectory && below !== undefined && isAlike(stats, below);
  add(walk, path, { kind: below === undefined ? "added" : "changed", isDirectory, isContentOnly });
  if (isDirectory) visit(walk, `${path}/`);
}

function add(walk: Walk, path: ByteString, change: Omit<SnapshotChange, "path">): void {
  walk.changes.push({ path: `/${byteStringToText(path)}`, ...change });
}

function isAlike(one: Stats, other: Stats): boolean {
  return one.mode === other.mode && one.uid === other.uid && one.gid === other.gid;
}

interface Directory {
  readonly own: ReadonlyMap<ByteString, Stats>;
  readonly isOpaque: boolean;
}

/** Opened first, so that a link put in its place leads nowhere. */
function look({ root }: Walk, prefix: ByteString): Directory {
  const own = new Map<ByteString, Stats>();
  let descriptor: number;
  try {
    descriptor = openAt2(root, prefix === "" ? "." : prefix, { flags: openFlags.directory, resolve: inside });
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ENOTDIR", "ELOOP")) return { own, isOpaque: false };
    throw error;
  }
  try {
    const path = descriptorPath(descriptor);
    for (const name of readdirSync(path, { encoding: "buffer" })) {
      const stats = lstatSync(Buffer.concat([Buffer.from(`${path}/`), name]), { throwIfNoEntry: false });
      if (stats !== undefined) own.set(name.toString("latin1"), stats);
    }
    const isOpaque = prefix !== "" && getXattr(path, "trusted.overlay.opaque")?.toString("latin1") === "y";
    return { own, isOpaque };
  } finally {
    closeDescriptor(descriptor);
  }
}
