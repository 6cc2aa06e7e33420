// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { Broadcast } from "./broadcast.ts";

const never = new AbortController().signal;
const done = { done: true, value: undefined };
const settle = () => new Promise((resolve) => setImmediate(resolve));

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const value of values) collected.push(value);
  return collected;
}

test("gives every reader all that came after it subscribed, in order", async () => {
  const broadcast = new Broadcast<number>();
  const first = broadcast.subscribe({ signal: never });
  broadcast.publish(1);
  const second = broadcast.subscribe({ signal: never });
  broadcast.publish(2);
  const all = [collect(first), collect(second)];
  await settle();
  broadcast.publish(3);
  broadcast.close();
  assert.deepEqual(await Promise.all(all), [
    [1, 2, 3],
    [2, 3],
  ]);
  assert.equal(broadcast.subscriberCount, 0);
});

test("values that mean nothing are values too", async () => {
  const broadcast = new Broadcast<number | undefined>();
  const reader = broadcast.subscribe({ signal: never });
  broadcast.publish(undefined);
  broadcast.publish(0);
  broadcast.close();
  assert.deepEqual(await collect(reader), [undefined, 0]);
});

test("a reader that fell too far behind gets what it has without a gap, then the failure, and holds nobody up", async () => {
  const broadcast = new Broadcast<number>(2);
  const slow = broadcast.subscribe({ signal: never });
  const fast = broadcast.subscribe({ signal: never });
  const fastValues: number[] = [];
  for (const value of [1, 2, 3, 4]) {
    broadcast.publish(value);
    fastValues.push((await fast.next()).value as number);
  }
  assert.deepEqual(fastValues, [1, 2, 3, 4]);
  assert.equal(broadcast.subscriberCount, 1);
  assert.deepEqual(await slow.next(), { done: false, value: 1 });
  // There would be room again, but 3 is lost.
  broadcast.publish(5);
  assert.deepEqual(await slow.next(), { done: false, value: 2 });
  await assert.rejects(slow.next(), { code: "resource-exhausted", message: "a reader is 2 values behind" });
  assert.deepEqual(await slow.next(), done);
});

test("an abort ends a waiting reader without an error and drops what it has not read", async () => {
  const broadcast = new Broadcast<number>();
  const controller = new AbortController();
  const waiting = broadcast.subscribe({ signal: controller.signal });
  const idle = broadcast.subscribe({ signal: controller.signal });
  const next = waiting.next();
  await settle();
  controller.abort();
  assert.deepEqual(await next, done);
  assert.equal(broadcast.subscriberCount, 0);
  broadcast.publish(1);
  assert.deepEqual(await idle.next(), done);
});

test("returning ends a call that waits, and whatever is in the queue", async () => {
  const broadcast = new Broadcast<number>();
  const reader = broadcast.subscribe({ signal: never });
  const next = reader.next();
  await settle();
  assert.deepEqual(await reader.return?.(), done);
  assert.deepEqual(await next, done);
  const other = broadcast.subscribe({ signal: never });
  broadcast.publish(1);
  await other.return?.();
  assert.deepEqual(await other.next(), done);
  assert.equal(broadcast.subscriberCount, 0);
});

test("a reader that takes no more still gets what is in its queue", async () => {
  const broadcast = new Broadcast<number>();
  const reader = broadcast.subscribe({ signal: never });
  broadcast.publish(1);
  reader.finish();
  broadcast.publish(2);
  assert.deepEqual(await collect(reader), [1]);
  const waiting = broadcast.subscribe({ signal: never });
  const next = waiting.next();
  await settle();
  waiting.finish();
  assert.deepEqual(await next, done);
});

test("calls that wait at the same time each get a value, and all end on close", async () => {
  const broadcast = new Broadcast<number>();
  const reader = broadcast.subscribe({ signal: never });
  const calls = [reader.next(), reader.next(), reader.next()];
  await settle();
  broadcast.publish(1);
  broadcast.publish(2);
  await settle();
  broadcast.close();
  assert.deepEqual(await Promise.all(calls), [{ done: false, value: 1 }, { done: false, value: 2 }, done]);
});

test("who subscribes too late, to a closed one or with an aborted signal, is at the end", async () => {
  const broadcast = new Broadcast<number>();
  assert.deepEqual(await collect(broadcast.subscribe({ signal: AbortSignal.abort() })), []);
  broadcast.close();
  const late = broadcast.subscribe({ signal: never });
  broadcast.publish(1);
  assert.deepEqual(await collect(late), []);
  assert.equal(broadcast.subscriberCount, 0);
});
