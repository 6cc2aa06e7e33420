// SPDX-License-Identifier: Apache-2.0
// Pull and push against Debian's docker-registry.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { shortId } from "../../base/ids.ts";
import { startDockerRegistry, testUser } from "../../drivers/registry/http/testing/docker-registry.ts";
import { parseReference } from "../../oci/reference/reference.ts";
import { storeImage, storeIndex } from "../images/testing/image-world.ts";
import { amd64, openTransferWorld, recordProgress } from "./testing/transfer-world.ts";

const run = promisify(execFile);
const { signal } = new AbortController();
const arm64 = { os: "linux", architecture: "arm64" };

test("an image that was pushed is pulled elsewhere, and told of in Docker's words", async () => {
  await using server = await startDockerRegistry();
  await using here = await openTransferWorld();
  await using there = await openTransferWorld();
  const name = `${server.domain}/team/app:v1`;
  const original = await here.images.put(name, await storeImage(here.content, { layers: ["one", "two"] }));
  const pushing = recordProgress();
  const pushed = await here.pusher.push(name, { signal, onProgress: pushing.onProgress });
  const [one = "", two = ""] = original.layers.map(({ digest }) => shortId(digest));
  assert.equal(pushing.lines[0], `The push refers to repository [${server.domain}/team/app]`);
  assert.deepEqual(pushing.of(one), ["Preparing", "Pushing", "Pushed"]);
  assert.equal(pushing.lines.at(-1), `v1: digest: ${pushed.digest} size: ${pushed.size}`);
  assert.equal(pushed.digest, original.target.digest);

  const pulling = recordProgress();
  const pulled = await there.puller.pull(name, { signal, onProgress: pulling.onProgress });
  assert.equal(pulled.image.id, original.id);
  assert.equal(pulled.isUpToDate, false);
  assert.equal(pulled.reference, name);
  assert.equal(pulling.lines[0], "v1: Pulling from team/app");
  for (const id of [one, two]) {
    assert.deepEqual(pulling.of(id), [
      "Pulling fs layer",
      "Downloading",
      "Verifying Checksum",
      "Download complete",
      "Extracting",
      "Pull complete",
    ]);
  }
  assert.deepEqual(pulling.lines.slice(-2), [
    `Digest: ${original.target.digest}`,
    `Status: Downloaded newer image for ${name}`,
  ]);
  assert.equal(there.snapshotter.applied.length, 2);
  assert.deepEqual(await there.leftovers(), { images: [name], leases: 0, ingests: [] });

  const again = recordProgress();
  assert.equal((await there.puller.pull(name, { signal, onProgress: again.onProgress })).isUpToDate, true);
  assert.deepEqual(again.of(one), ["Already exists"]);
  assert.equal(again.lines.at(-1), `Status: Image is up to date for ${name}`);
});

test("a second push sends nothing, and another repository gets its layers mounted", async () => {
  await using server = await startDockerRegistry();
  await using world = await openTransferWorld();
  const name = `${server.domain}/library/app:v1`;
  const other = `${server.domain}/copy:v1`;
  const image = await world.images.put(name, await storeImage(world.content, { layers: ["one"] }));
  const [layer = ""] = image.layers.map(({ digest }) => shortId(digest));
  await world.pusher.push(name, { signal });
  const second = recordProgress();
  await world.pusher.push(name, { signal, onProgress: second.onProgress });
  assert.deepEqual(second.of(layer), ["Preparing", "Layer already exists"]);
  await world.images.tag(name, other);
  const mounting = recordProgress();
  await world.pusher.push(other, { signal, onProgress: mounting.onProgress });
  assert.deepEqual(mounting.of(layer), ["Preparing", "Mounted from library/app"]);
});

test("a tag that moved is pulled again, and a digest names what it named", async () => {
  await using server = await startDockerRegistry();
  await using here = await openTransferWorld();
  await using there = await openTransferWorld();
  const name = `${server.domain}/app:v1`;
  const first = await here.images.put(name, await storeImage(here.content, { layers: ["one"] }));
  await here.pusher.push(name, { signal });
  await there.puller.pull(name, { signal });
  const second = await here.images.put(name, await storeImage(here.content, { layers: ["one", "two"] }));
  await here.pusher.push(name, { signal });
  const pulled = await there.puller.pull(name, { signal });
  assert.deepEqual([pulled.image.id, pulled.isUpToDate], [second.id, false]);
  const pinned = await there.puller.pull(`${server.domain}/app@${first.target.digest}`, { signal });
  assert.equal(pinned.image.id, first.id);
  assert.equal(pinned.reference, `${server.domain}/app@${first.target.digest}`);
});

test("an index is pushed whole where all of it is here, and pulled for one platform", async () => {
  await using server = await startDockerRegistry();
  await using here = await openTransferWorld();
  const name = `${server.domain}/app:all`;
  const entries = [
    { ...(await storeImage(here.content, { layers: ["arm"], platform: arm64 })), platform: arm64 },
    { ...(await storeImage(here.content, { layers: ["amd"], platform: amd64 })), platform: amd64 },
  ];
  const index = await storeIndex(here.content, entries);
  await here.images.put(name, index);
  assert.equal((await here.pusher.push(name, { signal })).digest, index.digest);
  for (const [platform, position] of [
    [undefined, 1],
    ["linux/arm64/v8", 0],
  ] as const) {
    await using there = await openTransferWorld();
    const { image, digest } = await there.puller.pull(name, { platform, signal });
    assert.equal(digest, index.digest);
    assert.equal(image.manifest.digest, entries[position]?.digest);
    assert.equal(there.snapshotter.applied.length, 1);
  }
  await using elsewhere = await openTransferWorld();
  await assert.rejects(elsewhere.puller.pull(name, { platform: "linux/s390x", signal }), {
    code: "not-found",
    message: "no matching manifest for linux/s390x in the manifest list entries",
  });
  assert.deepEqual(await elsewhere.leftovers(), { images: [], leases: 0, ingests: [] });
});

test("an image of one platform is refused where another is asked for by name", async () => {
  await using server = await startDockerRegistry();
  await using world = await openTransferWorld();
  const name = `${server.domain}/app:arm`;
  await world.images.put(name, await storeImage(world.content, { layers: ["arm"], platform: arm64 }));
  await world.pusher.push(name, { signal });
  await assert.rejects(world.puller.pull(name, { platform: "linux/amd64", signal }), { code: "not-found" });
});

test("unknown tags, missing passwords and images that are not here fail with nothing left behind", async () => {
  await using server = await startDockerRegistry({ auth: true });
  await using world = await openTransferWorld();
  const name = `${server.domain}/app:v1`;
  await assert.rejects(world.pusher.push(name, { signal }), {
    code: "not-found",
    message: `an image does not exist locally with the tag: ${server.domain}/app`,
  });
  const image = await world.images.put(name, await storeImage(world.content, { layers: ["one"] }));
  await assert.rejects(world.pusher.push(name, { signal }), {
    code: "unauthenticated",
    message: /^push access denied/,
  });
  await world.pusher.push(name, { credentials: testUser, signal });
  await using there = await openTransferWorld();
  await assert.rejects(there.puller.pull(name, { signal }), {
    code: "unauthenticated",
    message: /^pull access denied/,
  });
  await assert.rejects(there.puller.pull(`${server.domain}/app:v2`, { credentials: testUser, signal }), {
    code: "not-found",
    message: /app:v2 not found: manifest unknown/,
  });
  assert.deepEqual(await there.leftovers(), { images: [], leases: 0, ingests: [] });
  assert.equal((await there.puller.pull(name, { credentials: testUser, signal })).image.id, image.id);
  assert.equal(
    (await there.registry.resolve(parseReference(name), { credentials: testUser, signal })).digest,
    image.target.digest,
  );
});

/** A directory that holds this many bytes and no more. */
async function smallDisk(bytes: number) {
  const directory = await mkdtemp(path.join(tmpdir(), "berth-small-disk-"));
  await run("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "berth-test", directory]);
  return {
    directory,
    [Symbol.asyncDispose]: async () => {
      await run("umount", [directory]);
      await rmdir(directory);
    },
  };
}

test("a full disk is said to be full, and the pull works once there is room", async (t) => {
  await using server = await startDockerRegistry();
  await using here = await openTransferWorld();
  const name = `${server.domain}/app:v1`;
  const layer = randomBytes(300_000).toString("base64");
  await here.images.put(name, await storeImage(here.content, { layers: [layer] }));
  await here.pusher.push(name, { signal });
  await using disk = await smallDisk(200_000);
  const temporary = process.env["TMPDIR"];
  t.after(() => {
    if (temporary === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = temporary;
  });
  process.env["TMPDIR"] = disk.directory;
  await using there = await openTransferWorld();
  await assert.rejects(there.puller.pull(name, { signal }), { code: "resource-exhausted" });
  const { images, leases } = await there.leftovers();
  assert.deepEqual([images, leases], [[], 0]);
  await run("mount", ["-o", "remount,size=4m", disk.directory]);
  assert.equal((await there.puller.pull(name, { signal })).isUpToDate, false);
});
