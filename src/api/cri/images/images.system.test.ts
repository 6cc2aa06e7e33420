// SPDX-License-Identifier: Apache-2.0
// CRI's ImageService as a kubelet uses it, with Debian's docker-registry behind it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Code } from "@connectrpc/connect";
import { startDockerRegistry, testUser } from "../../../drivers/registry/http/testing/docker-registry.ts";
import { type CriImages, openCriImages, publish, startProxy } from "./testing/cri-images.ts";

const zeroId = "0".repeat(64);

async function isGone(cri: CriImages, ...names: readonly string[]): Promise<void> {
  for (const name of names) assert.equal(await cri.status(name), undefined, name);
  assert.deepEqual(await cri.list(), []);
}

test("a pulled image has one id everywhere and is found by all that names it", async () => {
  await using registry = await startDockerRegistry();
  await using cri = await openCriImages({ pinned: [`${registry.domain}/*`] });
  const name = `${registry.domain}/team/app:v1`;
  const { id, digest } = await publish({ layers: ["one", "two"] }, name);
  assert.equal(await cri.pull(name), id);
  const [image, ...more] = await cri.list();
  assert.deepEqual(more, []);
  assert.equal(image?.id, id);
  assert.deepEqual(image.repoTags, [name]);
  assert.deepEqual(image.repoDigests, [`${registry.domain}/team/app@${digest}`]);
  assert.ok(image.size > 0n);
  assert.deepEqual([image.uid, image.username, image.pinned], [undefined, "", true]);
  assert.equal(image.spec?.image, name);
  const hex = id.slice("sha256:".length);
  for (const text of [id, hex, hex.slice(0, 13), name, `${registry.domain}/team/app@${digest}`]) {
    assert.deepEqual(await cri.status(text), image, text);
    assert.deepEqual((await cri.client.listImages({ filter: { image: { image: text } } })).images, [image], text);
  }
  for (const text of [`${registry.domain}/team/app`, zeroId, `sha256:${zeroId}`, "", "Not Valid"]) {
    assert.equal(await cri.status(text), undefined, text);
  }
  assert.deepEqual((await cri.client.listImages({ filter: { image: { image: "nosuch" } } })).images, []);
  const { info } = await cri.client.imageStatus({ image: { image: name }, verbose: true });
  const { imageSpec, chainID } = JSON.parse(info["info"] ?? "");
  assert.equal(imageSpec.architecture, "amd64");
  assert.match(chainID, /^sha256:/);
  await cri.client.removeImage({ image: { image: name } });
  await isGone(cri, name, id, image.repoDigests[0] ?? "");
});

test("a name without a tag means latest, and one with a digest gives no tag", async () => {
  await using registry = await startDockerRegistry();
  await using cri = await openCriImages();
  const latest = `${registry.domain}/app`;
  const { id, digest } = await publish({ layers: ["one"] }, `${latest}:latest`);
  assert.equal(await cri.pull(latest), id);
  assert.deepEqual((await cri.status(latest))?.repoTags, [`${latest}:latest`]);
  await cri.client.removeImage({ image: { image: latest } });
  await isGone(cri, latest);
  assert.equal(await cri.pull(`${latest}@${digest}`), id);
  const image = await cri.status(`${latest}@${digest}`);
  assert.deepEqual([image?.repoTags, image?.repoDigests], [[], [`${latest}@${digest}`]]);
  await cri.client.removeImage({ image: { image: `${latest}@${digest}` } });
  await isGone(cri, latest, id);
});

test("the user of an image is a number or a name", async () => {
  await using registry = await startDockerRegistry();
  await using cri = await openCriImages();
  const users = [
    ["1002", 1002n, ""],
    ["www-data", undefined, "www-data"],
    ["1003:1004", 1003n, ""],
    ["www-data:1004", undefined, "www-data"],
    ["0", 0n, ""],
  ] as const;
  for (const [user, uid, username] of users) {
    const name = `${registry.domain}/user:latest`;
    await publish({ layers: [user], defaults: { User: user } }, name);
    await cri.pull(name);
    const image = await cri.status(name);
    assert.deepEqual([image?.uid?.value, image?.username], [uid, username], user);
  }
});

test("names of one image count once, in one registry and in two, and go together", async () => {
  await using registry = await startDockerRegistry();
  await using other = await startDockerRegistry();
  await using cri = await openCriImages();
  const tags = ["1", "2", "3"].map((tag) => `${registry.domain}/tags:${tag}`);
  const elsewhere = `${other.domain}/mirrored:3.9`;
  const { id } = await publish({ layers: ["same"] }, ...tags, elsewhere);
  const names = ["1", "2"].map((number) => `${registry.domain}/image-${number}:latest`);
  for (const name of names) await publish({ layers: [name] }, name);
  for (const name of [...tags, elsewhere]) assert.equal(await cri.pull(name), id);
  for (const name of names) await cri.pull(name);
  const listed = await cri.list();
  assert.equal(listed.length, 3);
  const streamed = await Array.fromAsync(cri.client.streamImages({}), ({ images }) => images);
  assert.deepEqual(streamed.flat(), listed);
  const image = await cri.status(tags[1] ?? "");
  assert.deepEqual([...(image?.repoTags ?? [])].sort(), [...tags, elsewhere].sort());
  assert.equal(image?.repoDigests.length, 2);
  await cri.client.removeImage({ image: { image: elsewhere } });
  assert.equal((await cri.list()).length, 2);
  for (const name of [...tags, elsewhere, id]) assert.equal(await cri.status(name), undefined, name);
});

test("removing succeeds five at once, again, and for what was never here; an image comes back with the next pull", async () => {
  await using registry = await startDockerRegistry();
  await using cri = await openCriImages();
  const name = `${registry.domain}/app:v1`;
  const { id } = await publish({ layers: ["one"] }, name);
  for (let round = 0; round < 3; round++) {
    await cri.pull(name);
    assert.equal((await cri.status(name))?.id, id);
    await Promise.all(Array.from({ length: 5 }, () => cri.client.removeImage({ image: { image: name } })));
    await isGone(cri, name, id);
  }
  for (const text of [name, id, zeroId, "Not Valid"]) await cri.client.removeImage({ image: { image: text } });
  await assert.rejects(cri.client.removeImage({}), { code: Code.InvalidArgument });
});

test("a container's image leaves the lists at once, what it runs on stays until it goes", async () => {
  await using registry = await startDockerRegistry();
  const used: string[] = [];
  await using cri = await openCriImages({
    roots: () => used.map((id) => ({ kind: "content", id })),
  });
  const name = `${registry.domain}/app:v1`;
  const { id } = await publish({ layers: ["one", "two"] }, name);
  used.push(await cri.pull(name));
  await cri.client.removeImage({ image: { image: id } });
  await isGone(cri, name, id);
  assert.equal([...cri.snapshotter.walk()].length, 2);
  const [imageId] = used.splice(0);
  const { signal } = new AbortController();
  await cri.images.released(imageId as Parameters<typeof cri.images.released>[0], { signal });
  assert.deepEqual([...cri.snapshotter.walk(), ...cri.content.walk()], []);
});

test("a pull that is not done in time ends with its deadline and records nothing", async () => {
  await using registry = await startDockerRegistry();
  await using cri = await openCriImages();
  const name = `${registry.domain}/app:v1`;
  const { id } = await publish({ layers: ["one"] }, name);
  await assert.rejects(cri.client.pullImage({ image: { image: name } }, { timeoutMs: 1 }), {
    code: Code.DeadlineExceeded,
  });
  const cancelling = new AbortController();
  const cancelled = cri.client.pullImage({ image: { image: name } }, { signal: cancelling.signal });
  cancelling.abort();
  await assert.rejects(cancelled, { code: Code.Canceled });
  await until(() => cri.puller.running.list().length === 0);
  await isGone(cri, name, id);
  assert.equal(await cri.pull(name), id);
});

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!condition()) {
    assert.ok(Date.now() < deadline, "timed out");
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test("credentials are sent in each of their forms, and only to the registry they are for", async () => {
  await using open = await startDockerRegistry();
  await using registry = await startDockerRegistry({ auth: true });
  const name = `${registry.domain}/app:v1`;
  await using world = await openCriImages();
  const { id } = await publish({ layers: ["one"] }, `${open.domain}/app:v1`);
  await world.pull(`${open.domain}/app:v1`);
  await world.images.tag(`${open.domain}/app:v1`, name);
  await world.pusher.push(name, { credentials: testUser, signal: new AbortController().signal });
  const pair = `${testUser.username}:${testUser.password}`;
  const good = [
    testUser,
    { auth: Buffer.from(pair).toString("base64") },
    { auth: Buffer.from(`${pair}\0\0`).toString("base64") },
    { ...testUser, serverAddress: registry.domain },
    { ...testUser, serverAddress: `http://${registry.domain}/v2/` },
  ];
  for (const auth of good) {
    await using cri = await openCriImages();
    assert.equal((await cri.client.pullImage({ image: { image: name }, auth })).imageRef, id);
  }
  await using cri = await openCriImages();
  const bad = [undefined, {}, { ...testUser, password: "wrong" }, { ...testUser, serverAddress: "registry.example" }];
  for (const auth of bad) {
    await assert.rejects(cri.client.pullImage({ image: { image: name }, ...(auth !== undefined && { auth }) }), {
      code: Code.Unauthenticated,
    });
  }
  await assert.rejects(cri.client.pullImage({ image: { image: name }, auth: { auth: "no secret" } }), {
    code: Code.InvalidArgument,
    rawMessage: "the auth of the credentials is not user:password in Base64",
  });
  await isGone(cri, name);
});

test("pulls of one image at the same time ask for each of its blobs once, and can be seen meanwhile", async () => {
  await using registry = await startDockerRegistry();
  await using proxy = await startProxy(registry.port);
  await using cri = await openCriImages();
  const { id } = await publish({ layers: ["one", "two", "three"] }, `${registry.domain}/app:v1`);
  const name = `${proxy.host}/app:v1`;
  const news = Array.fromAsync(cri.events.subscribe({ signal: new AbortController().signal }), ({ action }) => action);
  const pulling = Array.from({ length: 8 }, () => cri.pull(name));
  await until(() => cri.puller.running.list().length > 0);
  assert.deepEqual(
    cri.puller.running.list().map(({ reference }) => reference),
    [name],
  );
  assert.deepEqual(new Set(await Promise.all(pulling)), new Set([id]));
  const blobs = proxy.seen.map(({ url }) => url).filter((url) => url.includes("/blobs/"));
  assert.equal(blobs.length, 4);
  assert.equal(new Set(blobs).size, 4);
  cri.events.close();
  assert.deepEqual(await news, ["pull-start", "pull"]);
});

test("what can go wrong with a pull has a code, and a word that the kubelet knows", async () => {
  await using registry = await startDockerRegistry();
  await using cri = await openCriImages();
  await assert.rejects(cri.pull(`${registry.domain}/app:nosuch`), { code: Code.NotFound });
  await assert.rejects(cri.pull("Not/Valid:"), { code: Code.InvalidArgument });
  await assert.rejects(cri.pull(""), { code: Code.InvalidArgument });
  await assert.rejects(cri.pull("127.0.0.1:1/app"), {
    // Kubelets look at the message where the code is this one.
    code: Code.Unknown,
    rawMessage: "RegistryUnavailable: registry 127.0.0.1:1: connection refused",
  });
  await isGone(cri);
});
