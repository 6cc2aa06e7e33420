// SPDX-License-Identifier: Apache-2.0
// The figures of ImageFsInfo against what du counts.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { SnapshotTotalsReader } from "../../../core/snapshots/snapshot-totals.ts";
import { tarLayer } from "../../../core/snapshots/testing/snapshotter-contract.ts";
import { makeOverlayBed } from "../../../drivers/snapshot/overlay/testing/overlay-bed.ts";
import { openMemoryStore } from "../../../storage/memory/memory-store.ts";
import type { CriImageDeps } from "./deps.ts";
import { imageFsInfo } from "./image-fs-info.ts";

const signal = AbortSignal.timeout(60_000);

/** Bytes and inodes of these directories as du has them. */
function du(...directories: readonly string[]): { readonly bytes: bigint; readonly inodes: bigint } {
  const sum = (...flags: readonly string[]) =>
    execFileSync("du", ["-s", ...flags, ...directories], { encoding: "utf8" })
      .trim()
      .split("\n")
      .reduce((total, line) => total + BigInt(line.split("\t", 1)[0] ?? ""), 0n);
  return { bytes: sum("-B1"), inodes: sum("--inodes") };
}

test("layers of images and of containers are counted as they lie on the disk, and follow what changes", async () => {
  await using bed = await makeOverlayBed(openMemoryStore());
  const { snapshotter } = bed;
  const totals = new SnapshotTotalsReader({ snapshotter, maximumAgeMs: 0 });
  const deps = { snapshotter, totals } as unknown as CriImageDeps;
  const info = async () => {
    const { imageFilesystems = [], containerFilesystems = [] } = await imageFsInfo(deps, {}, { signal });
    return [...imageFilesystems, ...containerFilesystems].map(({ timestamp, fsId, usedBytes, inodesUsed }) => {
      assert.ok((timestamp ?? 0n) > 1_700_000_000_000_000_000n);
      assert.equal(fsId?.mountpoint, snapshotter.root);
      return { bytes: usedBytes?.value, inodes: inodesUsed?.value };
    });
  };
  assert.deepEqual(await info(), [
    { bytes: 0n, inodes: 0n },
    { bytes: 0n, inodes: 0n },
  ]);

  const data = Buffer.alloc(300_000, "x");
  await snapshotter.apply("base", undefined, tarLayer(bed, { path: "a", data }, { path: "b", data }), { signal });
  await snapshotter.apply("top", "base", tarLayer(bed, { path: "c", data }), { signal });
  const [base, top] = bed.directories().map((name) => path.join(snapshotter.root, name, "fs"));
  await snapshotter.prepare("container", "top", { signal });
  const container = path.join(snapshotter.root, bed.directories().at(-1) ?? "", "fs");
  mkdirSync(path.join(container, "logs"));
  writeFileSync(path.join(container, "logs", "log"), data);
  assert(base !== undefined && top !== undefined && ![base, top].includes(container));
  assert.deepEqual(await info(), [du(base, top), du(container)]);

  writeFileSync(path.join(container, "more"), data);
  assert.deepEqual(await info(), [du(base, top), du(container)]);
  await snapshotter.remove("container");
  await snapshotter.remove("top");
  assert.deepEqual(await info(), [du(base), { bytes: 0n, inodes: 0n }]);
});
