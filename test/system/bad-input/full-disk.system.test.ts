// SPDX-License-Identifier: Apache-2.0
// A daemon whose disk is full says so, keeps nothing half-made, and works again when there is room.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { startImageServer } from "../../../src/core/transfer/testing/image-server.ts";
import { mountOne } from "../../../src/linux/mount/mount-all.ts";
import { unmountAll } from "../../../src/linux/mount/unmount.ts";
import { makeTar } from "../../../src/oci/archive/testing/tar-files.ts";
import { startDaemon } from "../../support/daemon.ts";
import { outputOf, startContainer } from "../../support/run-container.ts";

test("a full disk", async (t) => {
  const closers: (() => Promise<void>)[] = [];
  const daemon = await startDaemon({ after: (work) => void closers.push(work) });
  t.after(async () => {
    await daemon.stop();
    await unmountAll(daemon.root);
    for (const close of closers) await close();
  });
  await daemon.stop();
  mountOne({ type: "tmpfs", source: "berth-full-disk", options: ["size=32m"] }, daemon.root);
  await daemon.start();
  await daemon.importBusybox();
  const { containers, images } = daemon.client;
  const filler = path.join(daemon.root, "filler");
  const id = await startContainer(daemon.client, { networkMode: "none" });
  const full = { code: "resource-exhausted" };
  const big = makeTar({ path: "big", data: randomBytes(40 * 1024 * 1024) });
  await using server = await startImageServer([big], () => false);
  await assert.rejects(images.pull(server.name), { ...full, message: /sha256:|no space/ });
  async function* archive() {
    for (let at = 0; at < big.length; at += 262_144) yield big.subarray(at, at + 262_144);
  }
  await assert.rejects(images.import(archive(), { reference: "big" }), full);
  await writeFile(filler, Buffer.alloc(40 * 1024 * 1024)).catch(() => {});
  // What has room already, such as a few pages of the database, may still be used.
  const created = await containers.create({ image: "busybox" }).catch((error: { readonly code?: string }) => {
    assert.equal(error.code, full.code);
    return undefined;
  });
  // A container's end can be recorded as soon as there is room.
  const stopping = containers.stop(id, { timeoutSeconds: 0 });
  await rm(filler);
  await stopping;
  assert.equal((await containers.inspect(id)).state?.exitCode, 137);
  await containers.remove(id);
  if (created !== undefined) await containers.remove(created.id);
  assert.deepEqual(await containers.list({ all: true }), []);
  assert.deepEqual(
    (await images.list()).flatMap(({ repoTags }) => repoTags),
    ["busybox:latest"],
  );
  assert.equal(await outputOf(daemon.client, "echo fine"), "fine");
});
