// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { silentLogger } from "../../../base/log.ts";
import { ContentRecords } from "../../../core/content/content-records.ts";
import { digestOf, storeBlob } from "../../../core/content/testing/content-contract.ts";
import { openMemoryStore } from "../../../storage/memory/memory-store.ts";
import { LocalContentStore } from "./local-content-store.ts";

const run = promisify(execFile);
const { signal } = new AbortController();

test("local content: a full disk says how much and where, harms no blob, and the write goes on when there is room", async () => {
  await using undo = new AsyncDisposableStack();
  const root = await mkdtemp(path.join(tmpdir(), "berth-content-"));
  undo.defer(() => rm(root, { recursive: true, force: true }));
  await run("mount", ["-t", "tmpfs", "-o", "size=2m", "none", root]);
  undo.defer(async () => {
    await run("umount", [root]);
  });
  const records = new ContentRecords({ store: openMemoryStore() });
  const content = await LocalContentStore.open({ root, records, logger: silentLogger });
  const kept = await storeBlob(content, "kept");
  const chunk = Buffer.alloc(300_000, 1);
  {
    await using ingest = await content.ingest("layer", { signal });
    const fill = async () => {
      for (;;) await ingest.write(chunk);
    };
    await assert.rejects(fill(), {
      code: "resource-exhausted",
      message: new RegExp(`write content of layer: .*0 bytes are free in ${root}.*, 1800000 bytes were written before`),
    });
    await assert.rejects(ingest.write(chunk), { code: "failed-precondition" });
    await assert.rejects(ingest.commit({}), { code: "failed-precondition" });
  }
  assert.deepEqual(
    Array.from(content.walk(), ({ digest }) => digest),
    [kept],
  );
  await run("mount", ["-o", "remount,size=8m", root]);
  {
    await using ingest = await content.ingest("layer", { signal });
    assert.ok(ingest.offset > 1_800_000 && ingest.offset < 2_100_000, `${ingest.offset}`);
    const whole = Buffer.alloc(2_400_000, 1);
    await ingest.write(whole.subarray(ingest.offset));
    await ingest.commit({ digest: digestOf(whole), size: whole.length });
  }
  assert.equal([...content.walk()].length, 2);
});
