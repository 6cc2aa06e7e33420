// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import type { Image } from "../../../core/images/image-service.ts";
import { StreamImagesRequestSchema } from "../../../gen/runtime/v1/api_pb.js";
import type { CriImageDeps } from "./deps.ts";
import { streamImages } from "./stream-images.ts";

const { signal } = new AbortController();

/** Deps with this many images. */
function depsOf(count: number) {
  const images = Array.from(
    { length: count },
    (_, index) => ({ id: `sha256:${index}`, names: [], repoDigests: [], size: 1, config: {} }) as unknown as Image,
  );
  const find = (text: string) => images.find(({ id }) => id === text);
  return { images: { list: () => [...images], find }, isPinned: () => false } as unknown as CriImageDeps;
}

test("each image comes once, in messages with at least one", async () => {
  for (const count of [0, 1, 100, 101, 250]) {
    const messages = await Array.fromAsync(streamImages(depsOf(count), create(StreamImagesRequestSchema), { signal }));
    const ids = messages.flatMap(({ images = [] }) => images.map(({ id }) => id));
    assert.deepEqual(
      ids,
      Array.from({ length: count }, (_, index) => `sha256:${index}`),
    );
    assert.ok(messages.every(({ images = [] }) => images.length > 0));
    assert.equal(messages.length, Math.ceil(count / 100));
  }
});

test("a filter leaves the one that it names", async () => {
  const request = create(StreamImagesRequestSchema, { filter: { image: { image: "sha256:7" } } });
  const messages = await Array.fromAsync(streamImages(depsOf(250), request, { signal }));
  assert.deepEqual(
    messages.map(({ images = [] }) => images.map(({ id }) => id)),
    [["sha256:7"]],
  );
});

test("a client that has gone gets no more", async () => {
  const leaving = new AbortController();
  const stream = streamImages(depsOf(250), create(StreamImagesRequestSchema), { signal: leaving.signal });
  await stream.next();
  leaving.abort(new Error("gone"));
  await assert.rejects(stream.next(), /gone/);
});
