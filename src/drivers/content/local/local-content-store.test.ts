// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { armFailpoint } from "../../../base/failpoint.ts";
import { silentLogger } from "../../../base/log.ts";
import { ContentRecords } from "../../../core/content/content-records.ts";
import { digestOf, storeBlob, testContentContract } from "../../../core/content/testing/content-contract.ts";
import { openMemoryStore } from "../../../storage/memory/memory-store.ts";
import { LocalContentStore } from "./local-content-store.ts";

const { signal } = new AbortController();

async function openTemporary() {
  const root = await mkdtemp(path.join(tmpdir(), "berth-content-"));
  const records = new ContentRecords({ store: openMemoryStore() });
  /** As a new daemon does on what the last one left. */
  const reopen = () => LocalContentStore.open({ root, records, logger: silentLogger });
  return {
    root,
    records,
    reopen,
    content: await reopen(),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}

testContentContract("local content", openTemporary);

test("local content: blobs are files by their digest that nobody else may read", async () => {
  await using opened = await openTemporary();
  const digest = await storeBlob(opened.content, "bytes");
  const file = path.join(opened.root, "blobs/sha256", digest.slice("sha256:".length));
  assert.equal(opened.content.localPath(digest), file);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.equal((await stat(path.dirname(file))).mode & 0o777, 0o700);
});

test("local content: blobs and unfinished writes are there after a restart", async () => {
  await using opened = await openTemporary();
  const digest = await storeBlob(opened.content, "kept");
  {
    await using ingest = await opened.content.ingest("layer", { signal });
    await ingest.write(Buffer.from("half "));
  }
  const content = await opened.reopen();
  assert.equal(content.find(digest)?.size, 4);
  await using ingest = await content.ingest("layer", { signal });
  await ingest.write(Buffer.from("done"));
  await ingest.commit({ digest: digestOf("half done") });
});

test("local content: a commit that fails before its record leaves no blob and can be repeated without writing again", async () => {
  await using opened = await openTemporary();
  const ingest = await opened.content.ingest("layer", { signal });
  await ingest.write(Buffer.from("bytes"));
  {
    using _failure = armFailpoint("content.published");
    await assert.rejects(ingest.commit({}), { code: "internal", message: /store blob sha256:.* of layer/ });
  }
  assert.deepEqual([...opened.content.walk()], []);
  await using again = await opened.content.ingest("layer", { signal });
  assert.equal(again.offset, 5);
  await again.commit({ digest: digestOf("bytes") });
});

test("local content: a restart removes blobs without a record and broken ingests", async () => {
  await using opened = await openTemporary();
  const blobs = path.join(opened.root, "blobs/sha256");
  await storeBlob(opened.content, "kept");
  await writeFile(path.join(blobs, digestOf("unknown").slice("sha256:".length)), "unknown");
  await writeFile(path.join(blobs, "stray"), "");
  await mkdir(path.join(opened.root, "ingests/empty"));
  await mkdir(path.join(opened.root, "ingests/cut"));
  await writeFile(path.join(opened.root, "ingests/cut/ref"), "");
  await writeFile(path.join(opened.root, "ingests/cut/data"), "");
  await opened.reopen();
  assert.deepEqual(await readdir(blobs), [digestOf("kept").slice("sha256:".length)]);
  assert.deepEqual(await readdir(path.join(opened.root, "ingests")), []);
});

test("local content: a restart drops the records of blobs that are gone or cut short", async () => {
  await using opened = await openTemporary();
  const gone = await storeBlob(opened.content, "gone");
  const cut = await storeBlob(opened.content, "cut short");
  const whole = await storeBlob(opened.content, "whole");
  await rm(opened.content.localPath(gone));
  await truncate(opened.content.localPath(cut), 3);
  const content = await opened.reopen();
  assert.deepEqual(
    Array.from(content.walk(), ({ digest }) => digest),
    [whole],
  );
  await storeBlob(content, "cut short");
  assert.equal(Buffer.from(await content.read(cut, { maximumBytes: 100 })).toString(), "cut short");
});

test("local content: a write that is aborted while it is resumed can be opened again", async () => {
  await using opened = await openTemporary();
  {
    await using ingest = await opened.content.ingest("layer", { signal });
    await ingest.write(Buffer.alloc(10));
  }
  await assert.rejects(opened.content.ingest("layer", { signal: AbortSignal.abort(new Error("stop")) }), /stop/);
  await using ingest = await opened.content.ingest("layer", { signal });
  assert.equal(ingest.offset, 10);
});
