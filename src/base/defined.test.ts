// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { defined } from "./defined.ts";

test("leaves out what is undefined and nothing else", () => {
  const members = { a: undefined, b: null, c: 0, d: "", e: false, f: [undefined] };
  assert.deepEqual(Object.keys(defined(members)), ["b", "c", "d", "e", "f"]);
  assert.deepEqual(defined({}), {});
});
