// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { unavailable } from "../../base/errors.ts";
import type { OnProgress } from "./progress.ts";
import { type PullNews, RunningPulls } from "./running-pulls.ts";

const { signal } = new AbortController();

/** A pull that a test drives. */
function startPull(pulls: RunningPulls, reference: string) {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const heard: string[] = [];
  let report: OnProgress = () => {};
  const tracked = pulls.track(
    { reference, platform: "linux/amd64" },
    ({ status }) => heard.push(status),
    async (onProgress) => {
      report = onProgress;
      return await promise;
    },
  );
  return { tracked, heard, resolve, reject, report: (id: string, status: string) => report({ id, status }) };
}

function lineOf(news: PullNews): string {
  const detail =
    news.kind === "progress"
      ? `${news.progress.id} ${news.progress.status}`
      : news.kind === "ended"
        ? (news.failure?.message ?? "")
        : news.pull.platform;
  return `${news.pull.reference} ${news.kind} ${detail}`.trimEnd();
}

test("who looks on later hears the latest, then everything, until the last pull has ended", async () => {
  const pulls = new RunningPulls();
  const one = startPull(pulls, "one");
  one.report("a", "Waiting");
  one.report("a", "Downloading");
  const watching = Array.fromAsync(pulls.watch({ signal }), lineOf);
  one.report("b", "Downloading");
  const two = startPull(pulls, "two");
  one.resolve("done");
  assert.equal(await one.tracked, "done");
  two.report("a", "Waiting");
  two.reject(unavailable("the registry is down"));
  await assert.rejects(two.tracked, { code: "unavailable" });
  assert.deepEqual(await watching, [
    "one started linux/amd64",
    "one progress a Downloading",
    "one progress b Downloading",
    "two started linux/amd64",
    "one ended",
    "two progress a Waiting",
    "two ended the registry is down",
  ]);
  assert.deepEqual(one.heard, ["Waiting", "Downloading", "Downloading"]);
  assert.deepEqual(pulls.list(), []);
});

test("one pull can be watched apart from the others", async () => {
  const pulls = new RunningPulls();
  const [one, two] = [startPull(pulls, "one"), startPull(pulls, "two")];
  const watching = Array.fromAsync(pulls.watch({ reference: "two", signal }), lineOf);
  one.report("a", "Waiting");
  two.resolve("done");
  await two.tracked;
  assert.deepEqual(await watching, ["two started linux/amd64", "two ended"]);
  assert.deepEqual(
    pulls.list().map(({ reference }) => reference),
    ["one"],
  );
  one.resolve("done");
  await one.tracked;
});

test("looking on ends at once when nothing runs or only that was asked for, when the signal aborts, and when the reader leaves", async () => {
  const pulls = new RunningPulls();
  assert.deepEqual(await Array.fromAsync(pulls.watch({ signal })), []);
  const one = startPull(pulls, "one");
  assert.deepEqual(await Array.fromAsync(pulls.watch({ once: true, signal }), lineOf), ["one started linux/amd64"]);
  const leaving = new AbortController();
  const watching = Array.fromAsync(pulls.watch({ signal: leaving.signal }), lineOf);
  for await (const news of pulls.watch({ signal })) if (news.kind === "started") break;
  leaving.abort();
  assert.deepEqual(await watching, ["one started linux/amd64"]);
  one.resolve("done");
  assert.equal(await one.tracked, "done");
});
