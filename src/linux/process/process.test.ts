// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { lowestOomScoreAdjustment, parseResourceLimits } from "./limits.ts";
import {
  findProcess,
  identifyProcess,
  killProcess,
  parseProcessState,
  processesWorkingIn,
  waitForEnd,
} from "./process-identity.ts";

test("reads limits by their OCI names", () => {
  const limits = parseResourceLimits(
    [
      "Limit                     Soft Limit           Hard Limit           Units     ",
      "Max cpu time              unlimited            unlimited            seconds   ",
      "Max open files            1024                 524288               files     ",
      "Max nice priority         0                    0                    ",
      "Max something new         1                    2                    ",
    ].join("\n"),
  );
  assert.deepEqual(limits, {
    RLIMIT_CPU: { soft: "unlimited", hard: "unlimited" },
    RLIMIT_NOFILE: { soft: 1024, hard: 524288 },
    RLIMIT_NICE: { soft: 0, hard: 0 },
  });
});

test("finds the lowest OOM score and keeps its own", async () => {
  const before = await readFile("/proc/self/oom_score_adj", "utf8");
  const lowest = await lowestOomScoreAdjustment(false);
  assert.ok(lowest >= -1000 && lowest <= Number(before));
  assert.equal(await readFile("/proc/self/oom_score_adj", "utf8"), before);
  assert.equal(await lowestOomScoreAdjustment(true), -1000);
});

test("reads a process whose name looks like fields", () => {
  const fields = `S 7 ${"0 ".repeat(17)}4242 1 2`;
  assert.deepEqual(parseProcessState(`12 (a) R (b) ${fields}`), { pid: 12, parent: 7, state: "S", startTime: 4242 });
});

test("identifies what runs: no process, no zombie", async () => {
  const own = await identifyProcess(process.pid);
  assert.deepEqual(own, { pid: process.pid, startTime: (await findProcess(process.pid))?.startTime });
  assert.equal((await findProcess(process.pid))?.parent, process.ppid);
  assert.equal(await findProcess(0x3fffff + 1), undefined);
  assert.equal(await identifyProcess(0x3fffff + 1), undefined);
});

/** A child, and that it has ended. */
async function sleeper(t: TestContext, options: SpawnOptions = {}) {
  const child = spawn("sleep", ["1000"], { ...options, stdio: "ignore" });
  t.after(() => child.kill("SIGKILL"));
  const exit = once(child, "exit");
  const identity = await identifyProcess(child.pid ?? 0);
  assert.ok(identity);
  return { identity, exit };
}

test("kills and awaits a process by its identity, and no other that has its number", async (t) => {
  const { identity, exit } = await sleeper(t);
  const earlier = { ...identity, startTime: identity.startTime - 1 };
  assert.equal(await waitForEnd(earlier, 0), true);
  assert.equal(await killProcess(earlier), true);
  assert.equal(await waitForEnd(identity, 1), false);
  assert.equal(await killProcess(identity), true);
  assert.deepEqual(await exit, [null, "SIGKILL"]);
  assert.equal(await waitForEnd(identity, 0), true);
  assert.equal(await killProcess(identity), true);
});

test("finds processes by where they work, also after the directory is gone", async (t) => {
  const directory = await mkdtemp(path.join(tmpdir(), "berth-process-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const { identity } = await sleeper(t, { cwd: directory });
  assert.deepEqual(await processesWorkingIn(directory), [identity]);
  await rm(directory, { recursive: true });
  assert.deepEqual(await processesWorkingIn(directory), [identity]);
  await killProcess(identity);
  assert.deepEqual(await processesWorkingIn(directory), []);
});
