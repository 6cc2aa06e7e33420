// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { sha256Digest } from "../../base/digest.ts";
import type { History } from "../../oci/image/documents.ts";
import { chainIds } from "./chain-id.ts";
import type { Image } from "./image.ts";
import { imageHistory } from "./image-history.ts";

const diffIds = ["a", "b"].map((digit) => sha256Digest(digit.repeat(64)));
const image = (history: readonly History[] | undefined) =>
  ({
    id: sha256Digest("c".repeat(64)),
    names: ["docker.io/library/web:1"],
    config: { rootfs: { type: "layers", diff_ids: diffIds }, history },
    layers: [{ size: 10 }, { size: 20 }],
  }) as unknown as Image;
const unpackedFirst = {
  find: (key: string) =>
    key === chainIds(diffIds)[0]
      ? { key, kind: "committed" as const, createdAt: 0, usage: { bytes: 1000, inodes: 1 } }
      : undefined,
};

test("gives each step the layer that it made, newest first", () => {
  const steps = imageHistory(
    image([
      { created: "2026-01-02T03:04:05Z", created_by: "ADD root" },
      { created_by: "CMD sh", empty_layer: true },
      { created: "no time", created_by: "RUN make", comment: "built", author: "me" },
    ]),
    unpackedFirst,
  );
  assert.deepEqual(
    steps.map(({ createdBy, size, isEmptyLayer }) => ({ createdBy, size, isEmptyLayer })),
    [
      { createdBy: "RUN make", size: 20, isEmptyLayer: false },
      { createdBy: "CMD sh", size: 0, isEmptyLayer: true },
      { createdBy: "ADD root", size: 1000, isEmptyLayer: false },
    ],
  );
  assert.deepEqual(
    steps.map(({ id, names }) => [id?.slice(0, 8), names.length]),
    [
      ["sha256:c", 1],
      [undefined, 0],
      [undefined, 0],
    ],
  );
  assert.deepEqual(
    steps.map(({ createdAt }) => createdAt),
    [undefined, undefined, Date.parse("2026-01-02T03:04:05Z")],
  );
});

test("layers that nothing is told of are steps all the same", () => {
  assert.deepEqual(
    imageHistory(image(undefined), unpackedFirst).map(({ size }) => size),
    [20, 1000],
  );
  assert.deepEqual(
    imageHistory(image([{ created_by: "RUN last" }]), unpackedFirst).map(({ createdBy, size }) => [createdBy, size]),
    [
      ["RUN last", 20],
      ["", 1000],
    ],
  );
});
