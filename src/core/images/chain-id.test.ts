// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { sha256Digest } from "../../base/digest.ts";
import { chainIds } from "./chain-id.ts";

const digest = (text: string) => sha256Digest(createHash("sha256").update(text).digest("hex"));
const [a, b, c] = [digest("a"), digest("b"), digest("c")];

test("the chain id of the lowest layer is its diff id", () => {
  assert.deepEqual(chainIds([a]), [a]);
});

test("each further chain id is the hash of the one below and the diff id", () => {
  const ab = digest(`${a} ${b}`);
  assert.deepEqual(chainIds([a, b, c]), [a, ab, digest(`${ab} ${c}`)]);
});

test("the same layer on another one has another chain id", () => {
  assert.notEqual(chainIds([a, c])[1], chainIds([b, c])[1]);
});

test("an image without layers has no chain id", () => {
  assert.deepEqual(chainIds([]), []);
});
