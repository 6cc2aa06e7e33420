// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { type SharedOptions, SharedWork } from "./shared-work.ts";

const { signal } = new AbortController();

/** Work that goes on until it is told to end or is aborted. */
function openWork() {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const starts: SharedOptions[] = [];
  const start = async (options: SharedOptions) => {
    starts.push(options);
    options.signal.addEventListener("abort", () => reject(options.signal.reason as Error));
    return await promise;
  };
  return { starts, start, resolve };
}

test("those who come while it goes on share the result and hear the latest word on each id", async () => {
  const shared = new SharedWork<string>();
  const { starts, start, resolve } = openWork();
  const heard: string[] = [];
  const first = shared.run("key", start, { signal });
  await new Promise((turn) => setImmediate(turn));
  starts[0]?.onProgress({ id: "a", status: "Waiting" });
  starts[0]?.onProgress({ id: "a", status: "Downloading" });
  starts[0]?.onProgress({ status: "once" });
  const second = shared.run("key", start, { signal, onProgress: ({ status }) => heard.push(status) });
  starts[0]?.onProgress({ id: "a", status: "Download complete" });
  resolve("done");
  assert.deepEqual(await Promise.all([first, second]), ["done", "done"]);
  assert.deepEqual(heard, ["Downloading", "Download complete"]);
  assert.equal(starts.length, 1);
});

test("who comes after it ended, or under another key, starts it anew", async () => {
  const shared = new SharedWork<number>();
  let runs = 0;
  const start = () => Promise.resolve(++runs);
  assert.equal(await shared.run("key", start, { signal }), 1);
  assert.equal(await shared.run("key", start, { signal }), 2);
  await Promise.all([shared.run("a", start, { signal }), shared.run("b", start, { signal })]);
  assert.equal(runs, 4);
});

test("it is aborted only when the last has left", async () => {
  const shared = new SharedWork<string>();
  const { starts, start } = openWork();
  const [one, two] = [new AbortController(), new AbortController()];
  const first = shared.run("key", start, { signal: one.signal });
  const second = shared.run("key", start, { signal: two.signal });
  await new Promise((turn) => setImmediate(turn));
  one.abort(new Error("one left"));
  await assert.rejects(first, /one left/);
  assert.equal(starts[0]?.signal.aborted, false);
  two.abort(new Error("two left"));
  await assert.rejects(second, /two left/);
  assert.equal(starts[0]?.signal.aborted, true);
});

test("its failure reaches everyone", async () => {
  const shared = new SharedWork<never>();
  const start = () => Promise.reject(new Error("broken"));
  const runs = [shared.run("key", start, { signal }), shared.run("key", start, { signal })];
  for (const run of runs) await assert.rejects(run, /broken/);
});
