// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { checkName, newId, shortId } from "./ids.ts";

test("makes identifiers of 64 digits that do not repeat", () => {
  const ids = new Set(Array.from({ length: 1000 }, () => newId()));
  assert.equal(ids.size, 1000);
  for (const id of ids) assert.match(id, /^[0-9a-f]{64}$/);
});

test("shows the first twelve digits, of an image's identifier too", () => {
  assert.equal(shortId("0123456789abcdef"), "0123456789ab");
  assert.equal(shortId(`sha256:${"ab".repeat(32)}`), "abababababab");
});

test("takes the names that Docker takes", () => {
  for (const name of ["a", "web", "Web-1", "my_app.v2", "9lives"]) assert.equal(checkName("container", name), name);
  for (const name of ["", "-a", ".a", "_a", "a b", "a/b", "../a", "ä", "a\n", "web:1"]) {
    assert.throws(() => checkName("volume", name), {
      code: "invalid-argument",
      message: `invalid volume name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`,
    });
  }
});
