// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { conflict } from "./errors.ts";
import { KeyedLock } from "./keyed-lock.ts";

/** Lets everything run that can. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

test("lets one holder in at a time, in the order of asking", async () => {
  const lock = new KeyedLock();
  const order: number[] = [];
  let inside = 0;
  const work = async (index: number) =>
    await lock.run("key", async () => {
      assert.equal(++inside, 1);
      await settle();
      order.push(index);
      inside--;
    });
  await Promise.all([0, 1, 2, 3, 4].map(work));
  assert.deepEqual(order, [0, 1, 2, 3, 4]);
});

test("keeps different keys apart", async () => {
  const lock = new KeyedLock();
  using _a = await lock.acquire("a");
  using _b = await lock.acquire("b");
  let entered = false;
  const third = lock.run("a", () => {
    entered = true;
    return Promise.resolve();
  });
  await settle();
  assert.equal(entered, false);
  _a[Symbol.dispose]();
  await third;
  assert.equal(entered, true);
});

test("goes to the next one after a failure, and hands the failure and the result on", async () => {
  const lock = new KeyedLock();
  const failing = lock.run("key", () => Promise.reject(new Error("inside")));
  const next = lock.run("key", () => Promise.resolve("in"));
  await assert.rejects(failing, { message: "inside" });
  assert.equal(await next, "in");
});

test("an aborted waiter leaves the queue with the reason, and those behind it move up", async () => {
  const lock = new KeyedLock();
  const holder = await lock.acquire("key");
  const controller = new AbortController();
  const aborted = lock.acquire("key", { signal: controller.signal });
  const behind = lock.acquire("key");
  controller.abort(conflict("changed its mind"));
  await assert.rejects(aborted, { code: "conflict", message: "changed its mind" });
  holder[Symbol.dispose]();
  (await behind)[Symbol.dispose]();
  (await lock.acquire("key"))[Symbol.dispose]();
});

test("an abort without an error for a reason is a cancellation, and one before asking takes no place", async () => {
  const lock = new KeyedLock();
  using _held = await lock.acquire("key");
  const controller = new AbortController();
  const aborted = lock.acquire("key", { signal: controller.signal });
  controller.abort("no error");
  await assert.rejects(aborted, { code: "cancelled" });
  await assert.rejects(lock.acquire("other", { signal: AbortSignal.abort(conflict("before")) }), { code: "conflict" });
  using _other = await lock.acquire("other");
});

test("an abort after the lock was given changes nothing", async () => {
  const lock = new KeyedLock();
  const holder = await lock.acquire("key");
  const controller = new AbortController();
  const waiting = lock.acquire("key", { signal: controller.signal });
  holder[Symbol.dispose]();
  controller.abort(conflict("too late"));
  const second = await waiting;
  second[Symbol.dispose]();
  (await lock.acquire("key"))[Symbol.dispose]();
});

test("releasing twice lets nobody in twice", async () => {
  const lock = new KeyedLock();
  const first = await lock.acquire("key");
  const second = lock.acquire("key");
  first[Symbol.dispose]();
  using _second = await second;
  let entered = false;
  const third = lock.acquire("key").then((held) => {
    entered = true;
    return held;
  });
  first[Symbol.dispose]();
  await settle();
  assert.equal(entered, false);
  _second[Symbol.dispose]();
  (await third)[Symbol.dispose]();
});
