// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { checkName } from "./ids.ts";
import { randomName } from "./random-name.ts";

test("makes names that containers may have, with a number from the third attempt on", () => {
  for (let attempt = 0; attempt < 12; attempt++) {
    for (let count = 0; count < 50; count++) {
      const name = checkName("container", randomName(attempt));
      assert.match(name, attempt < 2 ? /^[a-z]+_[a-z]+$/ : /^[a-z]+_[a-z]+\d{1,6}$/);
    }
  }
});

test("finds a free name among many that are taken", () => {
  const taken = new Set<string>();
  for (let count = 0; count < 5000; count++) {
    let attempt = 0;
    let name = randomName(attempt);
    while (taken.has(name)) name = randomName(++attempt);
    assert.ok(attempt < 20);
    taken.add(name);
  }
});
