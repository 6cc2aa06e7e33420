// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Digest } from "../../base/digest.ts";
import { shortId } from "../../base/ids.ts";
import { mediaTypes } from "../../oci/image/descriptor.ts";
import type { EngineEvent, EventBus } from "../events/event-bus.ts";
import type { ImageUser, RemovedImage } from "./image-service.ts";
import { openImageWorld, storeImage, storeIndex } from "./testing/image-world.ts";

const { signal } = new AbortController();
const arm64 = { os: "linux", architecture: "arm64" };
const amd64 = { os: "linux", architecture: "amd64" };

type World = Awaited<ReturnType<typeof openImageWorld>>;

async function add(world: World, name: string | undefined, ...layers: string[]) {
  return await world.images.put(name, await storeImage(world.content, { layers }));
}

function remove(world: World, text: string, options: { force?: boolean; users?: readonly ImageUser[] } = {}) {
  return world.images.remove(text, { force: options.force ?? false, usersOf: () => options.users ?? [], signal });
}

async function eventsOf(events: EventBus): Promise<string[]> {
  const recent: AsyncIterable<EngineEvent> = events.subscribe({ since: 0n, until: 2n ** 62n, signal });
  events.close();
  return await Array.fromAsync(recent, ({ action, attributes }) => `${action} ${attributes["name"]}`);
}

const stopped: ImageUser = { containerId: "c".repeat(64), running: false };
const running: ImageUser = { containerId: "d".repeat(64), running: true };

test("an image is found by everything that people call it", async () => {
  await using world = await openImageWorld();
  const image = await add(world, "busybox", "layer");
  for (const text of [
    "busybox",
    "busybox:latest",
    "library/busybox",
    "docker.io/library/busybox:latest",
    `busybox@${image.target.digest}`,
    `busybox:other@${image.target.digest}`,
    image.id,
    image.id.slice("sha256:".length),
    shortId(image.id),
    `sha256:${shortId(image.id)}`,
  ]) {
    assert.equal(world.images.find(text)?.id, image.id, text);
  }
  assert.equal(world.images.get(image.id).id, image.id);
  for (const text of ["busybox:1", "other/busybox", "", "Not Valid", `other@${image.target.digest}`]) {
    assert.equal(world.images.find(text), undefined, text);
  }
});

test("an image that is not there is reported in Docker's words", async () => {
  await using world = await openImageWorld();
  const resolve = (text: string) => () => world.images.resolve(text);
  assert.throws(resolve("nosuch"), { code: "not-found", message: "no such image: nosuch:latest" });
  assert.throws(resolve("docker.io/library/nosuch:1"), { message: "no such image: nosuch:1" });
  assert.throws(resolve("0".repeat(64)), { code: "not-found", message: `no such image: ${"0".repeat(64)}` });
  assert.throws(resolve("Not Valid"), { code: "invalid-argument", message: /invalid reference format/ });
  assert.throws(() => world.images.get(`sha256:${"0".repeat(64)}` as Digest), { code: "not-found" });
});

test("an id prefix that several images have is refused, and a name wins over it", async () => {
  await using world = await openImageWorld();
  const byFirstDigit = new Map<string, Digest>();
  let shared: string | undefined;
  for (let index = 0; shared === undefined; index++) {
    const { id } = await add(world, `image-${index}`, `layer ${index}`);
    const digit = id.charAt("sha256:".length);
    if (byFirstDigit.has(digit)) shared = digit;
    byFirstDigit.set(digit, id);
  }
  const prefix = shared;
  assert.throws(() => world.images.find(prefix), { code: "invalid-argument", message: /multiple images match/ });
  const named = await add(world, prefix, "named like an id");
  assert.equal(world.images.find(prefix)?.id, named.id);
});

test("an image says what it is made of", async () => {
  await using world = await openImageWorld();
  const target = await storeImage(world.content, {
    layers: ["one", "three"],
    defaults: { Cmd: ["/bin/sh"] },
    created: "2024-05-06T07:08:09.123456789Z",
  });
  await world.images.put("app:1", target);
  const image = await world.images.put("app:2", target);
  assert.deepEqual(image.names, ["docker.io/library/app:1", "docker.io/library/app:2"]);
  assert.deepEqual(image.repoDigests, [`docker.io/library/app@${target.digest}`]);
  assert.deepEqual(image.config.config?.Cmd, ["/bin/sh"]);
  assert.equal(image.createdAt, Date.UTC(2024, 4, 6, 7, 8, 9, 123));
  assert.equal(image.size, (world.content.find(image.id)?.size ?? 0) + "one".length + "three".length);
  assert.deepEqual(image.manifest, target);
  assert.deepEqual(world.images.list(), [image]);
});

test("images are listed newest first", async () => {
  await using world = await openImageWorld();
  for (const created of ["2021-01-01T00:00:00Z", "2023-01-01T00:00:00Z", "2022-01-01T00:00:00Z"]) {
    await world.images.put(`app:${created.slice(0, 4)}`, await storeImage(world.content, { layers: [], created }));
  }
  assert.deepEqual(
    world.images.list().map(({ createdAt }) => new Date(createdAt).getFullYear()),
    [2023, 2022, 2021],
  );
});

test("an index gives the image for this machine, or the one that was pulled", async () => {
  await using world = await openImageWorld();
  const here = await storeImage(world.content, { layers: ["amd"], platform: amd64 });
  const there = await storeImage(world.content, { layers: ["arm"], platform: arm64 });
  const both = [
    { ...there, platform: arm64 },
    { ...here, platform: amd64 },
  ];
  const index = await storeIndex(world.content, both);
  const image = await world.images.put("multi", index);
  assert.equal(image.config.architecture, "amd64");
  assert.deepEqual([image.target, image.manifest.digest], [index, here.digest]);
  world.images.checkPlatform(image, "linux/amd64");
  assert.throws(() => world.images.checkPlatform(image, "linux/arm64"), {
    code: "not-found",
    message: /wanted linux\/arm64, actual: linux\/amd64/,
  });
  const absent = { mediaType: mediaTypes.ociManifest, digest: `sha256:${"1".repeat(64)}` as Digest, size: 2 };
  const other = await storeIndex(world.content, [
    { ...absent, platform: amd64 },
    { ...there, platform: arm64 },
  ]);
  assert.equal((await world.images.put("arm-only", other)).config.architecture, "arm64");
});

test("what is not a whole container image gets no name", async () => {
  await using world = await openImageWorld();
  const absent = { mediaType: mediaTypes.ociManifest, digest: `sha256:${"1".repeat(64)}` as Digest, size: 2 };
  await assert.rejects(world.images.put("app", absent), { code: "not-found" });
  await assert.rejects(world.images.put("app", await storeIndex(world.content, [{ ...absent, platform: amd64 }])), {
    code: "not-found",
    message: /no such manifest: sha256:1111/,
  });
  assert.equal(world.images.find("app"), undefined);
  assert.deepEqual(world.images.list(), []);
});

test("images are there after a restart, but for one whose content is gone", async () => {
  await using world = await openImageWorld();
  const kept = await add(world, "kept", "one");
  const lost = await add(world, "lost", "two");
  await world.content.remove(lost.id);
  const images = await world.reopen();
  assert.deepEqual(images.list(), [kept]);
  assert.equal(images.find("lost"), undefined);
  const options = { force: false, usersOf: () => [], signal };
  assert.deepEqual(await images.remove("lost", options), [{ untagged: "lost:latest" }]);
  await assert.rejects(images.remove("lost", options), { code: "not-found" });
});

test("a name that moves to another image leaves the old one dangling, until it gets a name again", async () => {
  await using world = await openImageWorld();
  const old = await add(world, "app", "old");
  const young = await add(world, "app", "young");
  assert.equal(world.images.resolve("app").id, young.id);
  assert.deepEqual(world.images.get(old.id).names, []);
  assert.deepEqual(world.images.get(old.id).repoDigests, []);
  assert.equal(world.images.list().length, 2);
  await world.images.tag(shortId(old.id), "back:1");
  assert.deepEqual(world.images.get(old.id).names, ["docker.io/library/back:1"]);
  await remove(world, "back:1");
  assert.deepEqual(world.images.list(), [world.images.get(young.id)]);
});

test("an image without a name can be put and removed by id", async () => {
  await using world = await openImageWorld();
  const image = await add(world, undefined, "layer");
  assert.deepEqual(image.names, []);
  assert.deepEqual(await remove(world, shortId(image.id)), [{ deleted: image.id }]);
  assert.deepEqual(world.images.list(), []);
});

test("tag gives another name and says so; a digest is no name to give", async () => {
  await using world = await openImageWorld();
  const image = await add(world, "app", "layer");
  await world.images.tag("app", "localhost:5000/team/app:v1");
  assert.equal(world.images.resolve("localhost:5000/team/app:v1").id, image.id);
  await assert.rejects(world.images.tag("nosuch", "x"), { code: "not-found" });
  await assert.rejects(world.images.tag("app", `x@${image.id}`), { code: "invalid-argument" });
  assert.deepEqual(await eventsOf(world.events), ["tag localhost:5000/team/app:v1"]);
});

test("removing a name leaves the image its others; removing the last deletes it and collects its content", async () => {
  await using world = await openImageWorld();
  let collections = 0;
  world.collectWith(() => Promise.resolve(collections++));
  const image = await add(world, "app:1", "layer");
  await world.images.tag("app:1", "app:2");
  assert.deepEqual(await remove(world, "app:1"), [{ untagged: "app:1" }]);
  assert.equal(collections, 0);
  const last: readonly RemovedImage[] = await remove(world, "app:2");
  assert.deepEqual(last, [{ untagged: "app:2" }, { deleted: image.id }]);
  assert.equal(collections, 1);
  assert.deepEqual(await eventsOf(world.events), ["tag app:2", "untag app:1", "untag app:2", `delete ${image.id}`]);
});

test("removing by id takes one name along, several only by force", async () => {
  await using world = await openImageWorld();
  const image = await add(world, "app:1", "layer");
  assert.deepEqual(await remove(world, image.id), [{ untagged: "app:1" }, { deleted: image.id }]);
  await add(world, "app:1", "layer");
  await world.images.tag("app:1", "other:1");
  await assert.rejects(remove(world, shortId(image.id)), {
    code: "conflict",
    message: `conflict: unable to delete ${shortId(image.id)} (must be forced) - image is referenced in multiple repositories`,
  });
  assert.deepEqual(await remove(world, shortId(image.id), { force: true }), [
    { untagged: "app:1" },
    { untagged: "other:1" },
    { deleted: image.id },
  ]);
});

test("a pulled digest goes with the last tag of its repository", async () => {
  await using world = await openImageWorld();
  const target = await storeImage(world.content, { layers: ["layer"] });
  await world.images.put(`app@${target.digest}`, target);
  const image = await world.images.put("app:1", target);
  assert.deepEqual(await remove(world, "app:1"), [
    { untagged: "app:1" },
    { untagged: `app@${target.digest}` },
    { deleted: image.id },
  ]);
});

test("the only name of an image that a container uses goes by force alone, and the image stays", async () => {
  await using world = await openImageWorld();
  const image = await add(world, "app", "layer");
  const users = [stopped];
  await assert.rejects(remove(world, "app", { users }), {
    code: "conflict",
    message: `conflict: unable to remove repository reference "app" (must force) - container ${"c".repeat(12)} is using its referenced image ${shortId(image.id)}`,
  });
  await world.images.tag("app", "second");
  assert.deepEqual(await remove(world, "second", { users }), [{ untagged: "second:latest" }]);
  assert.deepEqual(await remove(world, "app", { users, force: true }), [{ untagged: "app:latest" }]);
  assert.deepEqual(world.images.get(image.id).names, []);
});

test("an id of an image that a container uses is refused, running or not", async () => {
  await using world = await openImageWorld();
  const image = await add(world, "app", "layer");
  const id = shortId(image.id);
  await assert.rejects(remove(world, id, { users: [stopped, running], force: true }), {
    message: `conflict: unable to delete ${id} (cannot be forced) - image is being used by running container ${"d".repeat(12)}`,
  });
  await assert.rejects(remove(world, id, { users: [stopped] }), {
    message: `conflict: unable to delete ${id} (must be forced) - image is being used by stopped container ${"c".repeat(12)}`,
  });
  assert.deepEqual(await remove(world, id, { users: [stopped], force: true }), [{ untagged: "app:latest" }]);
  await assert.rejects(remove(world, id, { users: [stopped], force: true }), { message: /cannot be forced/ });
  assert.deepEqual(await remove(world, id), [{ deleted: image.id }]);
});

test("changes asked for together leave one consistent result", async () => {
  await using world = await openImageWorld();
  const image = await add(world, "app:0", "layer");
  await Promise.all(Array.from({ length: 10 }, (_, index) => world.images.tag("app:0", `app:${index + 1}`)));
  assert.equal(world.images.get(image.id).names.length, 11);
  const removed = await Promise.all(Array.from({ length: 11 }, (_, index) => remove(world, `app:${index}`)));
  assert.equal(removed.flat().filter((line) => "deleted" in line).length, 1);
  assert.deepEqual(world.images.list(), []);
});

test("an image whose collection fails is removed all the same", async () => {
  await using world = await openImageWorld();
  const image = await add(world, "app", "layer");
  world.collectWith(() => Promise.reject(new Error("disk trouble")));
  assert.deepEqual(await remove(world, "app"), [{ untagged: "app:latest" }, { deleted: image.id }]);
});

test("a container that begins to be created is seen by every removal that comes later", async () => {
  await using world = await openImageWorld();
  const { id } = await world.images.put("app:1", await storeImage(world.content, { layers: ["a"] }));
  const users: ImageUser[] = [];
  const [used, removed] = await Promise.allSettled([
    world.images.resolveThen("app:1", () => users.push({ containerId: "c0ffee", running: false })),
    world.images.remove("app:1", { force: false, usersOf: () => users, signal }),
  ]);
  assert.equal(used.status, "fulfilled");
  assert.match(String(removed.status === "rejected" && removed.reason), /container c0ffee is using/);
  users.length = 0;
  const [gone, late] = await Promise.allSettled([
    world.images.remove("app:1", { force: false, usersOf: () => users, signal }),
    world.images.resolveThen("app:1", () => users.push({ containerId: "c0ffee", running: false })),
  ]);
  assert.deepEqual([gone.status, late.status, users], ["fulfilled", "rejected", []]);
  assert.equal(world.images.find(id), undefined);
});

test("an image is removed whole by any of its names, by its id, and whoever uses it", async () => {
  await using world = await openImageWorld();
  const names = new Set(["one:latest", "localhost:5000/two:2"]);
  const given = [() => "one", () => "localhost:5000/two:2", (digest: string) => `one@${digest}`];
  for (const text of given) {
    const image = await add(world, "one", "layer");
    await world.images.tag("one", "localhost:5000/two:2");
    await add(world, "other", "other layer");
    const removed = await world.images.removeWhole(text(image.target.digest), { signal });
    assert.deepEqual(new Set(removed.slice(0, -1).map((line) => "untagged" in line && line.untagged)), names);
    assert.deepEqual(removed.at(-1), { deleted: image.id });
    assert.deepEqual(
      world.images.list().flatMap((left) => left.names),
      ["docker.io/library/other:latest"],
    );
    assert.equal(world.images.find(image.id), undefined);
  }
  const { id } = await add(world, undefined, "nameless");
  assert.deepEqual(await world.images.removeWhole(id.slice("sha256:".length), { signal }), [{ deleted: id }]);
});

test("removing an image whole that is not here, or by five at once, succeeds", async () => {
  await using world = await openImageWorld();
  for (const text of ["nosuch", "0".repeat(64), `sha256:${"0".repeat(64)}`, "", "Not Valid"]) {
    assert.deepEqual(await world.images.removeWhole(text, { signal }), []);
  }
  await add(world, "app", "layer");
  const results = await Promise.all(Array.from({ length: 5 }, () => world.images.removeWhole("app", { signal })));
  assert.equal(results.filter((lines) => lines.length > 0).length, 1);
  assert.deepEqual(world.images.list(), []);
});

test("what kept a removed image is collected when its last container goes, and only then", async () => {
  await using world = await openImageWorld();
  let collections = 0;
  world.collectWith(() => Promise.resolve(collections++));
  const image = await add(world, "app", "layer");
  await world.images.released(image.id, { signal });
  assert.equal(collections, 0);
  await world.images.removeWhole("app", { signal });
  assert.equal(collections, 1);
  await world.images.released(image.id, { signal });
  assert.equal(collections, 2);
});
