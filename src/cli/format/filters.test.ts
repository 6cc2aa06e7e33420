// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseFilters } from "./filters.ts";

test("values are collected by key; keys are case-insensitive; spaces around both are dropped", () => {
  assert.deepEqual(
    parseFilters(["label=a=1", " Label = b ", "status=running", "label=a=1", ""]),
    new Map([
      ["label", new Set(["a=1", "b"])],
      ["status", new Set(["running"])],
    ]),
  );
});

test("a filter without = is refused", () => {
  assert.throws(() => parseFilters(["name=web", "dangling"]), {
    code: "invalid-argument",
    message: 'invalid argument "dangling" for "-f, --filter" flag: bad format of filter (expected name=value)',
  });
});
