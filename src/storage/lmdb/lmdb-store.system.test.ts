// SPDX-License-Identifier: Apache-2.0
// What only a file system of our own can show: that an acknowledged change survives a power cut, and what a full disk does.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { silentLogger } from "../../base/log.ts";
import { defineTable } from "../store.ts";
import { openLmdbStore } from "./lmdb-store.ts";

const run = promisify(execFile);
const rows = defineTable<{ readonly text: string }>("rows");
const open = (directory: string) => openLmdbStore(directory, { logger: silentLogger });

async function makeRoot(undo: AsyncDisposableStack): Promise<string> {
  const root = await mkdtemp(path.join(tmpdir(), "berth-lmdb-"));
  undo.defer(() => rm(root, { recursive: true, force: true }));
  return root;
}

async function mountAt(undo: AsyncDisposableStack, target: string, mountArguments: readonly string[]): Promise<string> {
  await mkdir(target);
  await run("mount", [...mountArguments, target]);
  undo.defer(async () => {
    await run("umount", [target]);
  });
  return target;
}

// A disk that is a file: what the file system inside has not been told to sync is not in the file. A copy of it is what
// a power cut would leave.
test("lmdb store: an acknowledged change survives a power cut", async () => {
  await using undo = new AsyncDisposableStack();
  const root = await makeRoot(undo);
  const disk = path.join(root, "disk");
  await writeFile(disk, "");
  await truncate(disk, 32 * 1024 * 1024);
  await run("mkfs.ext4", ["-q", "-F", disk]);
  const live = await mountAt(undo, path.join(root, "live"), ["-o", "loop,commit=300", disk]);
  const directory = path.join(live, "meta");
  await using store = await open(directory);
  for (let round = 0; round < 3; round++) {
    await store.transaction((transaction) => transaction.put(rows, `k${round}`, { text: "x".repeat(20_000) }));
    const copy = path.join(root, `disk-${round}`);
    copyFileSync(disk, copy);
    await using after = new AsyncDisposableStack();
    const restored = await mountAt(after, path.join(root, `restored-${round}`), ["-o", "loop", copy]);
    await using reopened = await open(path.join(restored, "meta"));
    for (let earlier = 0; earlier <= round; earlier++) {
      assert.equal(reopened.find(rows, `k${earlier}`)?.text.length, 20_000, `k${earlier} after change ${round}`);
    }
  }
});

test("lmdb store: a full disk is resource-exhausted, loses nothing that was acknowledged, and passes", async () => {
  await using undo = new AsyncDisposableStack();
  const root = await makeRoot(undo);
  const small = await mountAt(undo, path.join(root, "small"), ["-t", "tmpfs", "-o", "size=1m", "none"]);
  const directory = path.join(small, "meta");
  const acknowledged: string[] = [];
  {
    await using store = await open(directory);
    const fill = async () => {
      for (let row = acknowledged.length; row < 100; row++) {
        await Promise.all([
          store.transaction((transaction) => transaction.put(rows, `big-${row}`, { text: "x".repeat(50_000) })),
          store.transaction((transaction) => transaction.put(rows, `small-${row}`, { text: "y" })),
        ]);
        acknowledged.push(`big-${row}`, `small-${row}`);
      }
    };
    await assert.rejects(fill(), { code: "resource-exhausted", message: new RegExp(`no space left .* ${directory}`) });
    await assert.rejects(fill(), { code: "resource-exhausted" });
    assert.ok(acknowledged.length > 4);
    assert.deepEqual(
      Array.from(store.entries(rows), ([key]) => key),
      acknowledged.toSorted(),
    );
    await run("mount", ["-o", "remount,size=4m", small]);
    await store.transaction((transaction) => transaction.put(rows, "later", { text: "z".repeat(50_000) }));
  }
  await using store = await open(directory);
  assert.deepEqual(
    Array.from(store.entries(rows), ([key]) => key),
    [...acknowledged, "later"].toSorted(),
  );
});
