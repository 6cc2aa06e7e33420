// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import type { ServerResponse } from "node:http";
import { test } from "node:test";
import { shortId } from "../../base/ids.ts";
import { Puller } from "./puller.ts";
import type { PullNews } from "./running-pulls.ts";
import { type ImageServer, startImageServer } from "./testing/image-server.ts";
import { openTransferWorld, recordProgress } from "./testing/transfer-world.ts";

const { signal } = new AbortController();
const size = 200_000;
const contents = [randomBytes(size), randomBytes(size)];

async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 5000;
  while (!condition()) {
    assert.ok(Date.now() < deadline, `timed out waiting until ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function shortIdOf(server: ImageServer, layer: number): string {
  return shortId(server.layers[layer]?.descriptor.digest ?? "");
}

test("wrong bytes are data-loss that names the blob, and leave nothing to resume", async () => {
  await using server = await startImageServer(contents, (layer, _request, response) => {
    if (layer !== 1) return false;
    response.end(randomBytes(size));
    return true;
  });
  await using world = await openTransferWorld();
  await assert.rejects(world.puller.pull(server.name, { signal }), (error: Error & { code?: string }) => {
    assert.match(error.message, new RegExp(server.layers[1]?.descriptor.digest ?? ""));
    return error.code === "data-loss";
  });
  const { images, leases, ingests } = await world.leftovers();
  assert.deepEqual([images, leases], [[], 0]);
  assert.ok(!ingests.includes(`pull-${server.layers[1]?.descriptor.digest}`));
});

test("a pull that broke off goes on with the rest of the layer", async () => {
  let isBroken = true;
  await using server = await startImageServer(contents, (layer, request, response) => {
    if (layer !== 1 || !isBroken) return false;
    if (request.headers.range !== undefined) response.writeHead(403).end();
    else
      response
        .writeHead(200, { "content-length": size })
        .write(contents[1]?.subarray(0, 50_000), () => response.destroy());
    return true;
  });
  await using world = await openTransferWorld();
  await assert.rejects(world.puller.pull(server.name, { signal }), { code: "permission-denied" });
  assert.deepEqual((await world.leftovers()).images, []);
  isBroken = false;
  const progress = recordProgress();
  await world.puller.pull(server.name, { signal, onProgress: progress.onProgress });
  assert.equal(server.layerRequests(1).at(-1), "bytes=50000-");
  const first = progress.events.find(({ id, status }) => id === shortIdOf(server, 1) && status === "Downloading");
  assert.deepEqual([first?.current, first?.total], [50_000, size]);
});

test("what an earlier pull left in pieces that do not fit is fetched again from the start", async () => {
  await using server = await startImageServer(contents, () => false);
  await using world = await openTransferWorld();
  const reference = `pull-${server.layers[0]?.descriptor.digest}`;
  {
    await using ingest = await world.content.ingest(reference, { signal });
    await ingest.write(randomBytes(1000));
  }
  await world.puller.pull(server.name, { signal });
  assert.deepEqual(server.layerRequests(0), ["bytes=1000-", undefined]);
});

test("a layer is unpacked while the one above it still comes", async () => {
  let held: ServerResponse | undefined;
  await using server = await startImageServer(contents, (layer, _request, response) => {
    if (layer !== 1) return false;
    held = response;
    return true;
  });
  await using world = await openTransferWorld();
  const progress = recordProgress();
  const pulling = world.puller.pull(server.name, { signal, onProgress: progress.onProgress });
  await until("the first layer is unpacked", () => world.snapshotter.applied.length === 1 && held !== undefined);
  assert.deepEqual(progress.of(shortIdOf(server, 0)).at(-1), "Pull complete");
  held?.end(contents[1]);
  await pulling;
  assert.equal(world.snapshotter.applied.length, 2);
});

test("the same pull asked for twice is done once, and goes on for the one who stays", async () => {
  const held: ServerResponse[] = [];
  await using server = await startImageServer(contents, (_layer, _request, response) => {
    held.push(response);
    return true;
  });
  await using world = await openTransferWorld();
  const leaving = new AbortController();
  const [first, second] = [recordProgress(), recordProgress()];
  const left = world.puller.pull(server.name, { signal: leaving.signal, onProgress: first.onProgress });
  await until("both layers are asked for", () => held.length === 2);
  const stayed = world.puller.pull(server.name, { signal, onProgress: second.onProgress });
  leaving.abort(new Error("gone"));
  await assert.rejects(left, /gone/);
  for (const response of held) {
    const layer = server.layers.find(({ descriptor }) => response.req.url?.endsWith(descriptor.digest));
    response.end(layer?.bytes);
  }
  const pulled = await stayed;
  assert.equal(pulled.isUpToDate, false);
  assert.equal(held.length, 2);
  for (const layer of [0, 1]) {
    assert.ok(second.of(shortIdOf(server, layer)).length > 1);
    assert.equal(second.of(shortIdOf(server, layer)).at(-1), "Pull complete");
  }
});

test("when everyone has left, the download ends and leaves no record", async () => {
  let isOpen = false;
  let isClosed = false;
  await using server = await startImageServer(contents, (layer, _request, response) => {
    if (layer !== 0) return false;
    response.writeHead(200, { "content-length": size }).write(contents[0]?.subarray(0, 1000));
    response.on("close", () => (isClosed = true));
    isOpen = true;
    return true;
  });
  await using world = await openTransferWorld();
  const leaving = new AbortController();
  const pulling = world.puller.pull(server.name, { signal: leaving.signal });
  await until("the download runs", () => isOpen);
  leaving.abort();
  await assert.rejects(pulling, { code: "cancelled" });
  await until("the connection is closed", () => isClosed);
  const { images, leases } = await world.leftovers();
  assert.deepEqual([images, leases], [[], 0]);
});

test("who leaves when all but the name is there gets no name recorded", async () => {
  await using server = await startImageServer(contents, () => false);
  await using world = await openTransferWorld();
  const leaving = new AbortController();
  const onProgress = ({ id, status }: { readonly id?: string; readonly status: string }) => {
    if (id === shortIdOf(server, 1) && status === "Pull complete") leaving.abort(new Error("gone"));
  };
  await assert.rejects(world.puller.pull(server.name, { signal: leaving.signal, onProgress }), /gone/);
  assert.equal(world.snapshotter.applied.length, 2);
  assert.deepEqual(world.images.list(), []);
  assert.equal((await world.puller.pull(server.name, { signal })).isUpToDate, false);
});

test("two images with a layer in common fetch it once", async () => {
  await using server = await startImageServer(contents, () => false);
  await using world = await openTransferWorld();
  const other = server.name.replace("/app:v1", "/other:v1");
  await Promise.all([world.puller.pull(server.name, { signal }), world.puller.pull(other, { signal })]);
  assert.equal(server.layerRequests(0).length, 1);
  assert.equal(world.snapshotter.applied.length, 2);
  assert.equal(world.images.list()[0]?.names.length, 2);
});

test("a layer that stands in an image twice is fetched once and told of once", async () => {
  const [one] = contents;
  assert.ok(one !== undefined);
  await using server = await startImageServer([one, one], () => false);
  await using world = await openTransferWorld();
  const progress = recordProgress();
  await world.puller.pull(server.name, { signal, onProgress: progress.onProgress });
  assert.equal(server.layerRequests(0).length, 1);
  assert.equal(world.snapshotter.applied.length, 2);
  assert.equal(progress.events.filter(({ status }) => status === "Pull complete").length, 1);
});

test("bad references and platforms are refused before anybody is asked", async () => {
  await using world = await openTransferWorld();
  await assert.rejects(world.puller.pull("Not/Valid:", { signal }), { code: "invalid-argument" });
  await assert.rejects(world.puller.pull("app", { platform: "a/b/c/d", signal }), { code: "invalid-argument" });
  await assert.rejects(world.pusher.push(`app@sha256:${"a".repeat(64)}`, { signal }), { code: "invalid-argument" });
});

test("a registry that is down is unavailable by name and reason", async () => {
  await using world = await openTransferWorld();
  await assert.rejects(world.puller.pull("127.0.0.1:1/app", { signal }), {
    code: "unavailable",
    message: "registry 127.0.0.1:1: connection refused",
  });
});

test("a registry that falls silent ends the pull, which leaves no record", async () => {
  await using server = await startImageServer(contents, (layer, _request, response) => {
    if (layer !== 1) return false;
    response.writeHead(200, { "content-length": size }).write(contents[1]?.subarray(0, 1000));
    return true;
  });
  await using world = await openTransferWorld();
  const puller = new Puller({ ...world, progressTimeoutMs: 200 });
  await assert.rejects(puller.pull(server.name, { signal }), {
    code: "unavailable",
    message: `registry ${server.server.host}: nothing came for 0.2 seconds`,
  });
  const { images, leases } = await world.leftovers();
  assert.deepEqual([images, leases], [[], 0]);
});

test("a pull is told of when it begins and when it has ended, well or not, once for all who share it", async () => {
  await using server = await startImageServer(contents, () => false);
  await using world = await openTransferWorld();
  const events = world.events.subscribe({ signal });
  await Promise.all([world.puller.pull(server.name, { signal }), world.puller.pull(server.name, { signal })]);
  await assert.rejects(world.puller.pull("127.0.0.1:1/app", { signal }));
  world.events.close();
  const name = server.name.replace(":v1", "");
  assert.deepEqual(await Array.fromAsync(events, ({ action, id, attributes }) => ({ action, id, ...attributes })), [
    { action: "pull-start", id: server.name, name },
    { action: "pull", id: server.name, name },
    { action: "pull-start", id: "127.0.0.1:1/app:latest", name: "127.0.0.1:1/app" },
    {
      action: "pull-fail",
      id: "127.0.0.1:1/app:latest",
      name: "127.0.0.1:1/app",
      error: "registry 127.0.0.1:1: connection refused",
    },
  ]);
});

test("a pull can be watched by somebody else, who does not keep it alive", async () => {
  const held: ServerResponse[] = [];
  await using server = await startImageServer(contents, (_layer, _request, response) => {
    response.writeHead(200, { "content-length": size }).write(contents[0]?.subarray(0, 1000));
    held.push(response);
    return true;
  });
  await using world = await openTransferWorld();
  const leaving = new AbortController();
  const pulling = world.puller.pull(server.name, { signal: leaving.signal });
  await until("both layers are asked for", () => held.length === 2);
  assert.deepEqual(
    world.puller.running.list().map(({ reference, platform }) => [reference, platform]),
    [[server.name, "linux/amd64"]],
  );
  const news: PullNews[] = [];
  for await (const next of world.puller.running.watch({ reference: server.name, signal })) {
    news.push(next);
    if (next.kind === "progress" && next.progress.status === "Downloading") leaving.abort();
  }
  await assert.rejects(pulling, { code: "cancelled" });
  const last = news.at(-1);
  assert.ok(last?.kind === "ended" && last.failure?.code === "cancelled");
});
