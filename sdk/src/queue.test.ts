// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { Queue } from "./queue.ts";

const settle = () => new Promise((resolve) => setImmediate(resolve));

test("gives values in order, and ends after what was pushed", async () => {
  const queue = new Queue<number | undefined>();
  const pushed = [queue.push(1), queue.push(undefined), queue.push(0)];
  queue.end();
  queue.end();
  assert.deepEqual(await Array.fromAsync(queue), [1, undefined, 0]);
  await Promise.all(pushed);
});

test("wakes a reader that waits", async () => {
  const queue = new Queue<number>();
  const reading = Array.fromAsync(queue);
  await settle();
  await queue.push(1);
  queue.end();
  assert.deepEqual(await reading, [1]);
});

test("a push takes as long as the reader does", async () => {
  const queue = new Queue<string>();
  let taken = false;
  const push = queue.push("first").then(() => {
    taken = true;
  });
  await settle();
  assert.equal(taken, false);
  const reader = queue[Symbol.asyncIterator]();
  assert.deepEqual(await reader.next(), { done: false, value: "first" });
  await push;
});

test("nobody waits for a reader that left, or after the end", async () => {
  const queue = new Queue<number>();
  const pushes = [queue.push(1), queue.push(2)];
  for await (const _value of queue) break;
  await Promise.all(pushes);
  await queue.push(3);
  assert.deepEqual(await Array.fromAsync(queue), [2]);
});
