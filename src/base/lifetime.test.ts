// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { conflict } from "./errors.ts";
import { cleanup, cleanupDeadlineMs, deadlineSignal, delay, raceSignal, TaskGroup, together } from "./lifetime.ts";

const never = new AbortController().signal;
const settle = () => new Promise((resolve) => setImmediate(resolve));

test("a deadline aborts with a coded reason that names what took so long, and not before", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const signal = deadlineSignal(500, "the probe");
    mock.timers.tick(499);
    assert.equal(signal.aborted, false);
    mock.timers.tick(1);
    assert.throws(() => signal.throwIfAborted(), {
      code: "deadline-exceeded",
      message: "the probe took longer than 500 ms",
    });
  } finally {
    mock.timers.reset();
  }
});

test("a deadline of years is not over at once", async () => {
  const signal = deadlineSignal(2 ** 40, "the stop");
  const aborted = new AbortController();
  const waiting = delay(2 ** 40, { signal: aborted.signal });
  await delay(5, { signal: never });
  assert.equal(signal.aborted, false);
  aborted.abort(conflict("enough"));
  await assert.rejects(waiting, { code: "conflict" });
});

test("clean-up has ten seconds of its own and hands its result on", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    let seen: AbortSignal | undefined;
    const result = await cleanup((signal) => {
      seen = signal;
      return Promise.resolve("done");
    });
    assert.equal(result, "done");
    assert.equal(seen?.aborted, false);
    mock.timers.tick(cleanupDeadlineMs);
    assert.equal(seen?.aborted, true);
  } finally {
    mock.timers.reset();
  }
  await assert.rejects(
    cleanup(() => Promise.reject(conflict("busy"))),
    { code: "conflict" },
  );
});

test("a delay ends in time, with the signal's reason, or at once when that is aborted already", async () => {
  await delay(1, { signal: never });
  const controller = new AbortController();
  const long = delay(60_000, { signal: controller.signal });
  controller.abort(conflict("no more"));
  await assert.rejects(long, { code: "conflict" });
  await assert.rejects(delay(60_000, { signal: controller.signal }), { code: "conflict" });
});

test("a race gives the promise's result or failure", async () => {
  assert.equal(await raceSignal(Promise.resolve(7), never), 7);
  await assert.rejects(raceSignal(Promise.reject(new Error("failed")), never), { message: "failed" });
});

test("a race gives the signal's reason, and what the promise does later disturbs nobody", async () => {
  const rejections: unknown[] = [];
  const record = (reason: unknown) => rejections.push(reason);
  process.on("unhandledRejection", record);
  try {
    const late = Promise.withResolvers<void>();
    const controller = new AbortController();
    const race = raceSignal(late.promise, controller.signal);
    controller.abort(conflict("aborted"));
    await assert.rejects(race, { code: "conflict" });
    late.reject(new Error("too late"));
    // The same where the signal was aborted before the race began.
    const second = Promise.withResolvers<void>();
    await assert.rejects(raceSignal(second.promise, controller.signal), { code: "conflict" });
    second.reject(new Error("too late"));
    await settle();
    assert.deepEqual(rejections, []);
  } finally {
    process.off("unhandledRejection", record);
  }
});

test("an aborted signal wins over a promise that is settled already", async () => {
  await assert.rejects(raceSignal(Promise.resolve(7), AbortSignal.abort(conflict("before"))), { code: "conflict" });
});

test("work done together ends together: the first failure aborts the rest and is thrown", async () => {
  await together(() => [Promise.resolve(1), delay(1, { signal: never })], { signal: never });
  let ended = false;
  const failing = together(
    (signal) => [
      Promise.reject(conflict("the first")),
      (async () => {
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        assert.equal((signal.reason as Error).message, "the first");
        await settle();
        ended = true;
        throw new Error("the second");
      })(),
    ],
    { signal: never },
  );
  await assert.rejects(failing, { message: "the first" });
  assert.equal(ended, true);
  const waits = (signal: AbortSignal) => [delay(60_000, { signal })];
  await assert.rejects(together(waits, { signal: AbortSignal.abort(conflict("outside")) }), { message: "outside" });
});

test("a group reports failures by name and waits for all of its work", async () => {
  const failures: [unknown, string][] = [];
  const group = new TaskGroup((error, name) => failures.push([error, name]));
  const failure = conflict("broken");
  group.run("broken", () => Promise.reject(failure));
  let finished = false;
  group.run("slow", async (signal) => {
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    await settle();
    finished = true;
    throw new Error("after the abort");
  });
  await settle();
  assert.deepEqual(failures, [[failure, "broken"]]);
  await group[Symbol.asyncDispose]();
  assert.equal(finished, true);
  assert.equal(failures.length, 1);
  assert.equal(group.signal.aborted, true);
});

test("a group waits for work that its work started while it was closed", async () => {
  const group = new TaskGroup((error) => assert.fail(String(error)));
  let finished = false;
  group.run("first", async (signal) => {
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    group.run("second", async () => {
      await settle();
      finished = true;
    });
  });
  await group[Symbol.asyncDispose]();
  assert.equal(finished, true);
});
