// SPDX-License-Identifier: Apache-2.0
// What every content store must do. A store's own test calls this with a way to open an empty one.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";
import { type Digest, sha256Digest } from "../../../base/digest.ts";
import type { ContentStore } from "../content.ts";

const { signal } = new AbortController();
const absent = sha256Digest("0".repeat(64));

/** The digest of these bytes. */
export function digestOf(bytes: Uint8Array | string): Digest {
  return sha256Digest(createHash("sha256").update(bytes).digest("hex"));
}

/** Stores the bytes and gives their digest back. */
export async function storeBlob(content: ContentStore, bytes: Uint8Array | string): Promise<Digest> {
  const digest = digestOf(bytes);
  await using ingest = await content.ingest(`test-${digest}`, { signal });
  await ingest.restart();
  await ingest.write(typeof bytes === "string" ? Buffer.from(bytes) : bytes);
  return (await ingest.commit({ digest, size: bytes.length })).digest;
}

async function readAll(content: ContentStore, digest: Digest, offset?: number): Promise<Buffer> {
  const options = offset === undefined ? { signal } : { offset, signal };
  return Buffer.concat(await Array.fromAsync(content.open(digest, options)));
}

async function listIngests(content: ContentStore): Promise<string[]> {
  return (await Array.fromAsync(content.walkIngests(), ({ reference }) => reference)).toSorted();
}

/** A content store of a test's own; disposing removes what it made. */
export interface ContentUnderTest extends AsyncDisposable {
  readonly content: ContentStore;
}

/** Declares the contract's tests. */
export function testContentContract(name: string, openEmpty: () => Promise<ContentUnderTest>): void {
  testBlobs(name, openEmpty);
  testRefusals(name, openEmpty);
  testIngests(name, openEmpty);
}

function testBlobs(name: string, openEmpty: () => Promise<ContentUnderTest>): void {
  test(`${name}: a committed blob is found, walked and read`, async () => {
    await using opened = await openEmpty();
    const { content } = opened;
    const bytes = randomBytes(3_000_000);
    const before = Date.now();
    const digest = await storeBlob(content, bytes);
    const info = content.find(digest);
    assert.equal(info?.size, bytes.length);
    assert.ok(info.createdAt >= before && info.createdAt <= Date.now());
    assert.deepEqual([...content.walk()], [info]);
    assert.ok(bytes.equals(await content.read(digest, { maximumBytes: bytes.length })));
    assert.ok(bytes.equals(await readAll(content, digest)));
    assert.ok(bytes.subarray(2_999_990).equals(await readAll(content, digest, 2_999_990)));
    assert.equal((await readAll(content, digest, 4_000_000)).length, 0);
  });

  test(`${name}: an empty blob is a blob`, async () => {
    await using opened = await openEmpty();
    const digest = await storeBlob(opened.content, "");
    assert.equal(opened.content.find(digest)?.size, 0);
    assert.equal((await readAll(opened.content, digest)).length, 0);
  });

  test(`${name}: what is not there is not-found`, async () => {
    await using opened = await openEmpty();
    const { content } = opened;
    assert.equal(content.find(absent), undefined);
    assert.throws(() => content.localPath(absent), { code: "not-found" });
    await assert.rejects(content.read(absent, { maximumBytes: 1 }), { code: "not-found" });
    await assert.rejects(readAll(content, absent), { code: "not-found" });
    await content.remove(absent);
  });

  test(`${name}: a blob larger than the caller takes is not read`, async () => {
    await using opened = await openEmpty();
    const digest = await storeBlob(opened.content, "12345");
    await assert.rejects(opened.content.read(digest, { maximumBytes: 4 }), { code: "resource-exhausted" });
  });

  test(`${name}: a removed blob is gone, and may come back`, async () => {
    await using opened = await openEmpty();
    const { content } = opened;
    const digest = await storeBlob(content, "bytes");
    await content.remove(digest);
    assert.equal(content.find(digest), undefined);
    assert.deepEqual([...content.walk()], []);
    await storeBlob(content, "bytes");
    assert.equal((await readAll(content, digest)).toString(), "bytes");
  });

  test(`${name}: reclaiming a blob that is known changes nothing`, async () => {
    await using opened = await openEmpty();
    const digest = await storeBlob(opened.content, "bytes");
    await opened.content.reclaim(digest);
    assert.equal((await readAll(opened.content, digest)).toString(), "bytes");
    await opened.content.reclaim(absent);
  });

  test(`${name}: storing the same blob again, also at the same time, keeps one`, async () => {
    await using opened = await openEmpty();
    const { content } = opened;
    const store = async (reference: string) => {
      await using ingest = await content.ingest(reference, { signal });
      await ingest.write(Buffer.from("same"));
      return await ingest.commit({ digest: digestOf("same") });
    };
    const infos = await Promise.all(["a", "b", "c"].map(store));
    assert.deepEqual(infos, [infos[0], infos[0], infos[0]]);
    assert.equal([...content.walk()].length, 1);
    assert.deepEqual(await listIngests(content), []);
  });

  test(`${name}: reading stops with its signal`, async () => {
    await using opened = await openEmpty();
    const digest = await storeBlob(opened.content, randomBytes(5_000_000));
    const controller = new AbortController();
    const reason = new Error("enough");
    const reading = (async () => {
      for await (const _piece of opened.content.open(digest, { signal: controller.signal })) controller.abort(reason);
    })();
    await assert.rejects(reading, reason);
  });
}

function testRefusals(name: string, openEmpty: () => Promise<ContentUnderTest>): void {
  const wrong = [
    ["digest", { digest: absent }],
    ["size", { size: 6 }],
    ["sha512", { digest: `sha512:${"0".repeat(128)}` as Digest }],
  ] as const;
  for (const [what, expected] of wrong) {
    test(`${name}: a wrong ${what} is data-loss, and the bytes are thrown away`, async () => {
      await using opened = await openEmpty();
      const { content } = opened;
      await using ingest = await content.ingest("layer", { signal });
      await ingest.write(Buffer.from("12345"));
      await assert.rejects(ingest.commit(expected), { code: "data-loss", message: /layer/ });
      assert.deepEqual([...content.walk()], []);
      assert.deepEqual(await listIngests(content), []);
      await using again = await content.ingest("layer", { signal });
      assert.equal(again.offset, 0);
    });
  }

  test(`${name}: a blob may be committed under its sha512`, async () => {
    await using opened = await openEmpty();
    const digest = `sha512:${createHash("sha512").update("bytes").digest("hex")}` as Digest;
    await using ingest = await opened.content.ingest("layer", { signal });
    await ingest.write(Buffer.from("bytes"));
    assert.equal((await ingest.commit({ digest })).digest, digest);
    assert.equal((await readAll(opened.content, digest)).toString(), "bytes");
  });

  test(`${name}: an ingest that was committed or closed takes nothing more`, async () => {
    await using opened = await openEmpty();
    const ingest = await opened.content.ingest("layer", { signal });
    await ingest.commit({});
    await assert.rejects(ingest.write(Buffer.from("x")), { code: "failed-precondition" });
    await assert.rejects(ingest.commit({}), { code: "failed-precondition" });
    await assert.rejects(ingest.restart(), { code: "failed-precondition" });
    await ingest[Symbol.asyncDispose]();
  });
}

function testIngests(name: string, openEmpty: () => Promise<ContentUnderTest>): void {
  test(`${name}: a write goes on where the last one ended`, async () => {
    await using opened = await openEmpty();
    const { content } = opened;
    {
      await using ingest = await content.ingest("layer", { signal });
      await ingest.write(Buffer.from("first "));
      assert.equal(ingest.digest(), digestOf("first "));
      assert.deepEqual(await listIngests(content), []);
    }
    assert.deepEqual(await listIngests(content), ["layer"]);
    await using ingest = await content.ingest("layer", { signal });
    assert.equal(ingest.offset, 6);
    await ingest.write(Buffer.from("second"));
    assert.equal(ingest.offset, 12);
    const { digest } = await ingest.commit({ digest: digestOf("first second"), size: 12 });
    assert.equal((await readAll(content, digest)).toString(), "first second");
    assert.deepEqual(await listIngests(content), []);
  });

  test(`${name}: a write can start over`, async () => {
    await using opened = await openEmpty();
    await using ingest = await opened.content.ingest("layer", { signal });
    await ingest.write(Buffer.from("wrong start, and longer"));
    await ingest.restart();
    assert.equal(ingest.offset, 0);
    await ingest.write(Buffer.from("right"));
    const { digest } = await ingest.commit({ digest: digestOf("right"), size: 5 });
    assert.equal((await readAll(opened.content, digest)).toString(), "right");
  });

  test(`${name}: a reference has one writer, others have their own`, async () => {
    await using opened = await openEmpty();
    const { content } = opened;
    {
      await using _first = await content.ingest("layer", { signal });
      await assert.rejects(content.ingest("layer", { signal }), { code: "failed-precondition", message: /layer/ });
      await assert.rejects(content.removeIngest("layer"), { code: "failed-precondition" });
      await using other = await content.ingest("../layer/with?any:thing@in it", { signal });
      assert.equal(other.offset, 0);
    }
    await using again = await content.ingest("layer", { signal });
    assert.equal(again.offset, 0);
  });

  test(`${name}: an unfinished write can be thrown away`, async () => {
    await using opened = await openEmpty();
    const { content } = opened;
    {
      await using ingest = await content.ingest("layer", { signal });
      await ingest.write(Buffer.from("bytes"));
    }
    const [found] = await Array.fromAsync(content.walkIngests());
    assert.equal(found?.size, 5);
    assert.ok(Math.abs(found.updatedAt - Date.now()) < 60_000);
    await content.removeIngest("layer");
    await content.removeIngest("layer");
    assert.deepEqual(await listIngests(content), []);
    await using ingest = await content.ingest("layer", { signal });
    assert.equal(ingest.offset, 0);
  });
}
