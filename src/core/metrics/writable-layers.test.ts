// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { notFound } from "../../base/errors.ts";
import { TaskGroup } from "../../base/lifetime.ts";
import type { SnapshotUsage } from "../snapshots/snapshotter.ts";
import { WritableLayers } from "./writable-layers.ts";

const signal = new AbortController().signal;

/** Measures end when the test says so. */
function measuredByHand(t: TestContext) {
  const failures: unknown[] = [];
  const background = new TaskGroup((error) => failures.push(error));
  const over = new AbortController();
  t.after(async () => {
    over.abort();
    await background[Symbol.asyncDispose]();
  });
  const started: { readonly key: string; finish(result: SnapshotUsage | Error): void }[] = [];
  const usage = async (key: string) => {
    const { promise, resolve, reject } = Promise.withResolvers<SnapshotUsage>();
    over.signal.addEventListener("abort", () => reject(new Error("the test is over")));
    started.push({ key, finish: (result) => (result instanceof Error ? reject(result) : resolve(result)) });
    return await promise;
  };
  const layers = new WritableLayers({ snapshotter: { usage }, background });
  return { layers, started, failures };
}

/** Lets everything go on that waits for nothing. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

test("waits for the first measure, and answers from it while it is fresh", async (t) => {
  t.mock.timers.enable({ apis: ["Date", "setTimeout"] });
  const { layers, started } = measuredByHand(t);
  const first = layers.usages(["a"], { signal });
  await turn();
  started[0]?.finish({ bytes: 10, inodes: 1 });
  assert.deepEqual(await first, new Map([["a", { bytes: 10, inodes: 1, measuredAt: 0 }]]));
  t.mock.timers.tick(9999);
  assert.equal((await layers.usages(["a"], { signal })).get("a")?.bytes, 10);
  assert.equal(started.length, 1);
});

test("answers from an old measure and makes a new one beside it, one at a time for each", async (t) => {
  t.mock.timers.enable({ apis: ["Date", "setTimeout"] });
  const { layers, started } = measuredByHand(t);
  const first = layers.usages(["a"], { signal });
  await turn();
  started[0]?.finish({ bytes: 10, inodes: 1 });
  await first;
  t.mock.timers.tick(10_000);
  assert.equal((await layers.usages(["a"], { signal })).get("a")?.bytes, 10);
  assert.equal((await layers.usages(["a"], { signal })).get("a")?.bytes, 10);
  assert.equal(started.length, 2);
  started[1]?.finish({ bytes: 20, inodes: 2 });
  await turn();
  const { bytes, measuredAt } = (await layers.usages(["a"], { signal })).get("a") ?? {};
  assert.deepEqual([bytes, measuredAt], [20, 10_000]);
});

test("does not wait for ever for a layer that takes long, and never measures more than two at once", async (t) => {
  t.mock.timers.enable({ apis: ["Date", "setTimeout"] });
  const { layers, started } = measuredByHand(t);
  const answer = layers.usages(["a", "b", "c"], { signal });
  await turn();
  assert.deepEqual(
    started.map(({ key }) => key),
    ["a", "b"],
  );
  started[1]?.finish({ bytes: 2, inodes: 1 });
  await turn();
  t.mock.timers.tick(500);
  assert.deepEqual([...(await answer).keys()], ["b"]);
  assert.deepEqual(
    started.map(({ key }) => key),
    ["a", "b", "c"],
  );
});

test("a layer that is gone is left out without a word, and one that cannot be measured is told of", async (t) => {
  const { layers, started, failures } = measuredByHand(t);
  const answer = layers.usages(["gone", "broken"], { signal });
  await turn();
  started[0]?.finish(notFound("snapshot", "gone"));
  const broken = new Error("broken");
  started[1]?.finish(broken);
  assert.deepEqual(await answer, new Map());
  assert.deepEqual(failures, [broken]);
  // They are tried again.
  const again = layers.usages(["broken"], { signal });
  await turn();
  started[2]?.finish({ bytes: 3, inodes: 1 });
  assert.equal((await again).get("broken")?.bytes, 3);
});

test("who gives up waits no longer, and the measure goes on", async (t) => {
  const { layers, started } = measuredByHand(t);
  const controller = new AbortController();
  const answer = layers.usages(["a"], { signal: controller.signal });
  const reason = notFound("container", "x");
  controller.abort(reason);
  await assert.rejects(answer, reason);
  started[0]?.finish({ bytes: 1, inodes: 1 });
  await turn();
  assert.equal((await layers.usages(["a"], { signal })).get("a")?.bytes, 1);
});
