// SPDX-License-Identifier: Apache-2.0
// A place for tests with an overlay snapshotter on it, removed with everything at the end.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "../../../../base/log.ts";
import type { Mount, MountActivator } from "../../../../core/mounts/mount.ts";
import { openSnapshotRecords } from "../../../../core/snapshots/snapshot-records.ts";
import type { SnapshotterBed } from "../../../../core/snapshots/testing/snapshotter-contract.ts";
import { getXattr, listXattrs } from "../../../../linux/ffi/file.ts";
import { mountOne } from "../../../../linux/mount/mount-all.ts";
import { openOverlaySnapshotter } from "../overlay-snapshotter.ts";

const workerUrl = new URL("../../../../daemon/workers/overlay-snapshotter.ts", import.meta.url);

/** store: a fresh one; layers forbid drivers to choose it. */
export async function makeOverlayBed(store: Parameters<typeof openSnapshotRecords>[0]): Promise<SnapshotterBed> {
  const directory = mkdtempSync(join(tmpdir(), "berth-overlay-"));
  const root = join(directory, "snapshots");
  const scratch = join(directory, "scratch");
  mkdirSync(scratch);
  const records = openSnapshotRecords(store, "overlay");
  const open = async () => {
    const snapshotter = await openOverlaySnapshotter({ records, root, logger: silentLogger, workerUrl });
    await snapshotter.recover();
    return snapshotter;
  };
  const opened = [await open()];
  return {
    scratch,
    mounts: plainMounts,
    get snapshotter() {
      const current = opened.at(-1);
      if (current === undefined) throw new Error("the bed is gone");
      return current;
    },
    restart: async () => {
      opened.push(await open());
      return opened.at(-1) as Awaited<ReturnType<typeof open>>; // just pushed
    },
    xattrs: (path) =>
      Object.fromEntries(
        [...listXattrs(path)].sort().map((name) => [name, getXattr(path, name)?.toString("hex") ?? ""]),
      ),
    directories: () => readdirSync(root).filter((name) => name !== "trash"),
    async [Symbol.asyncDispose]() {
      for (const snapshotter of opened) await snapshotter[Symbol.asyncDispose]();
      rmSync(directory, { recursive: true, force: true });
      await store[Symbol.asyncDispose]();
    },
  };
}

const plainMounts: MountActivator = {
  activate: (target, mounts: readonly Mount[]) => {
    mkdirSync(target, { recursive: true });
    for (const mount of mounts) mountOne(mount, target);
    return Promise.resolve();
  },
  deactivate: (target) => {
    execFileSync("umount", [target]);
    return Promise.resolve();
  },
  list: () => Promise.resolve([]),
  canIdmap: () => Promise.resolve({ possible: false, reason: "not with plain mounts" }),
};
