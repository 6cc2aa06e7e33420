// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { TokenTable } from "./token-table.ts";

function table(limit = 3) {
  const clock = { now: 0 };
  return { clock, tokens: new TokenTable<string>({ lifetimeMs: 100, limit, now: () => clock.now }) };
}

test("a token is good once and until its time is over", () => {
  const { clock, tokens } = table();
  const [first, second] = [tokens.issue("first"), tokens.issue("second")];
  assert.notEqual(first, second);
  assert.match(first, /^[\w-]{43}$/);
  clock.now = 99;
  assert.equal(tokens.take(first), "first");
  assert.equal(tokens.take(first), undefined);
  clock.now = 100;
  assert.equal(tokens.take(second), undefined);
  assert.equal(tokens.take("never issued"), undefined);
});

test("there is room again when tokens are used or expire", () => {
  const { clock, tokens } = table(2);
  const first = tokens.issue("first");
  clock.now = 50;
  tokens.issue("second");
  assert.throws(() => tokens.issue("third"), { code: "resource-exhausted" });
  tokens.take(first);
  tokens.issue("third");
  clock.now = 150;
  tokens.issue("fourth");
});
