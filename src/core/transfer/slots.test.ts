// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { Slots } from "./slots.ts";

const { signal } = new AbortController();

test("no more than the limit at once, in the order in which they came", async () => {
  const slots = new Slots(2);
  const order: number[] = [];
  let running = 0;
  let most = 0;
  await Promise.all(
    [1, 2, 3, 4, 5].map(async (number) => {
      using _slot = await slots.acquire({ signal });
      order.push(number);
      most = Math.max(most, ++running);
      await new Promise((turn) => setImmediate(turn));
      running--;
    }),
  );
  assert.deepEqual([order, most], [[1, 2, 3, 4, 5], 2]);
  assert.equal(slots.isFull, false);
});

test("one who gives up waiting loses nobody else's turn", async () => {
  const slots = new Slots(1);
  const held = await slots.acquire({ signal });
  const leaving = new AbortController();
  const left = slots.acquire({ signal: leaving.signal });
  const next = slots.acquire({ signal });
  leaving.abort(new Error("gone"));
  await assert.rejects(left, /gone/);
  held[Symbol.dispose]();
  held[Symbol.dispose]();
  (await next)[Symbol.dispose]();
  assert.equal(slots.isFull, false);
});
