// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { booleanFilter, checkFilters, parseFilters } from "./filters.ts";

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

test("an unknown key is refused by name", () => {
  checkFilters(parseFilters(["name=web"]), new Set(["name"]));
  assert.throws(() => checkFilters(parseFilters(["foo=1"]), new Set(["name"])), {
    code: "invalid-argument",
    message: "invalid filter 'foo'",
  });
});

const booleans = [
  { given: [], expected: undefined },
  { given: ["dangling=true"], expected: true },
  { given: ["dangling=1"], expected: true },
  { given: ["dangling=false"], expected: false },
  { given: ["dangling=0"], expected: false },
];

for (const { given, expected } of booleans) {
  test(`dangling is ${expected} after ${JSON.stringify(given)}`, () => {
    assert.equal(booleanFilter(parseFilters(given), "dangling"), expected);
  });
}

test("a boolean filter refuses other values and contradictions", () => {
  assert.throws(() => booleanFilter(parseFilters(["dangling=maybe"]), "dangling"), {
    message: "invalid filter 'dangling=[maybe]'",
  });
  assert.throws(() => booleanFilter(parseFilters(["dangling=true", "dangling=false"]), "dangling"), {
    message: "invalid filter 'dangling=[true false]'",
  });
});
