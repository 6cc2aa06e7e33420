// SPDX-License-Identifier: Apache-2.0
// What a container has changed in its image's file system, without what is there only for something to be mounted on.

import type { SnapshotChange } from "../snapshots/snapshotter.ts";
import type { Engine } from "./engine.ts";

/** What runtimes make where an image does not have it, for the mounts that every container has. */
const mountPoints: ReadonlySet<string> = new Set([
  "/dev",
  "/etc",
  "/etc/hostname",
  "/etc/hosts",
  "/etc/resolv.conf",
  "/proc",
  "/sys",
  ...["console", "fd", "mqueue", "ptmx", "pts", "shm"].map((name) => `/dev/${name}`),
]);

/** Sorted by path; also while it runs. */
export async function containerChanges(
  engine: Engine,
  reference: string,
  options: { readonly signal: AbortSignal },
): Promise<readonly SnapshotChange[]> {
  const { snapshotKey } = engine.registry.get(reference);
  const changes = withoutMountPoints(await engine.snapshotter.changes(snapshotKey, options));
  return changes.toSorted((one, other) => (one.path < other.path ? -1 : 1));
}

/** Without mount points that were added, and directories that are named for nothing but those. */
export function withoutMountPoints(changes: readonly SnapshotChange[]): readonly SnapshotChange[] {
  // From the last to the first, what is in a directory comes before it.
  const kept = new Set<string>();
  const hidden = new Set<string>();
  const shown: SnapshotChange[] = [];
  for (const change of changes.toReversed()) {
    const { path, kind } = change;
    const isMountPoint = kind === "added" && mountPoints.has(path);
    const isNamedForHidden = change.isContentOnly && hidden.has(path);
    const parent = path.slice(0, path.lastIndexOf("/"));
    if (!kept.has(path) && (isMountPoint || isNamedForHidden)) {
      hidden.add(parent);
      continue;
    }
    kept.add(parent);
    shown.push(change);
  }
  return shown.toReversed();
}
