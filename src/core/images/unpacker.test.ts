// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { cancelled } from "../../base/errors.ts";
import { chainIds } from "./chain-id.ts";
import { openImageWorld, storeImage } from "./testing/image-world.ts";

const { signal } = new AbortController();

test("each layer becomes a snapshot on the one below, under its chain id", async () => {
  await using world = await openImageWorld();
  const image = await world.images.put("app", await storeImage(world.content, { layers: ["one", "two", "three"] }));
  const progress: string[] = [];
  const top = await world.images.unpack(image, {
    signal,
    onProgress: (layer, bytes) => progress.push(`${image.layers.indexOf(layer)}:${bytes}`),
  });
  const [first, second, third] = chainIds(image.config.rootfs.diff_ids);
  assert.equal(top, third);
  assert.deepEqual(
    world.snapshotter.applied.map(({ name, parent }) => [name, parent]),
    [
      [first, undefined],
      [second, first],
      [third, second],
    ],
  );
  const { layer } = world.snapshotter.applied[1] ?? {};
  assert.equal(layer?.path, world.content.localPath(image.layers[1]?.digest ?? image.id));
  assert.equal(layer.diffId, image.config.rootfs.diff_ids[1]);
  assert.deepEqual(progress.slice(0, 3), ["0:1.5", "0:3", "0:3"]);
});

test("layers that images share are unpacked once, also at the same time", async () => {
  await using world = await openImageWorld();
  const one = await world.images.put("one", await storeImage(world.content, { layers: ["base", "middle", "one"] }));
  const two = await world.images.put("two", await storeImage(world.content, { layers: ["base", "middle", "two"] }));
  await Promise.all([one, two, one].map((image) => world.images.unpack(image, { signal })));
  assert.equal(world.snapshotter.applied.length, 4);
  await world.images.unpack(two, { signal });
  assert.equal(world.snapshotter.applied.length, 4);
  assert.deepEqual([...world.leases.resources()], []);
});

test("an unpacking that is aborted lets the one that waited for it go on", async () => {
  await using world = await openImageWorld();
  const image = await world.images.put("app", await storeImage(world.content, { layers: ["one", "two"] }));
  const controller = new AbortController();
  const first = world.images.unpack(image, {
    signal: controller.signal,
    onProgress: () => controller.abort(cancelled("enough")),
  });
  const second = world.images.unpack(image, { signal });
  await assert.rejects(first, { code: "cancelled", message: "enough" });
  assert.equal(await second, chainIds(image.config.rootfs.diff_ids)[1]);
});

test("an image without layers has no snapshot", async () => {
  await using world = await openImageWorld();
  const image = await world.images.put("empty", await storeImage(world.content, { layers: [] }));
  assert.equal(await world.images.unpack(image, { signal }), undefined);
});
