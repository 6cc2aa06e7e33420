// SPDX-License-Identifier: Apache-2.0
// What collection does to images, whose references it follows.

import assert from "node:assert/strict";
import { test } from "node:test";
import { openImageWorld, storeImage } from "../images/testing/image-world.ts";
import { GarbageCollector } from "./garbage-collector.ts";

const { signal } = new AbortController();

async function openCollectedWorld() {
  const world = await openImageWorld();
  const collector = new GarbageCollector({ ...world, roots: () => [] });
  world.collectWith((options) => collector.collect(options));
  return { ...world, collector };
}

test("content of a named image is kept with all that it refers to", async () => {
  await using world = await openCollectedWorld();
  const image = await world.images.put("app", await storeImage(world.content, { layers: ["one", "two"] }));
  const before = [...world.content.walk()];
  await world.collector.collect({ signal });
  assert.deepEqual([...world.content.walk()], before);
  assert.equal(before.length, 4);
  assert.deepEqual(world.references.get(image.target.digest)?.content, [
    image.id,
    ...image.layers.map(({ digest }) => digest),
  ]);
});

test("snapshots and content live as long as the image", async () => {
  await using world = await openCollectedWorld();
  const image = await world.images.put("app", await storeImage(world.content, { layers: ["one", "two"] }));
  await world.images.unpack(image, { signal });
  await world.collector.collect({ signal });
  assert.equal([...world.snapshotter.walk()].length, 2);
  await world.images.remove("app", { force: false, usersOf: () => [], signal });
  assert.deepEqual([...world.snapshotter.walk(), ...world.content.walk()], []);
});

test("garbage collection beside unpacking takes nothing that is being made", async () => {
  await using world = await openCollectedWorld();
  const image = await world.images.put("app", await storeImage(world.content, { layers: ["1", "2", "3", "4", "5"] }));
  const unpacking = world.images.unpack(image, { signal });
  for (let round = 0; round < 20; round++) await world.collector.collect({ signal });
  const top = await unpacking;
  await world.collector.collect({ signal });
  assert.notEqual(world.snapshotter.find(top ?? ""), undefined);
  assert.equal([...world.snapshotter.walk()].length, 5);
});
