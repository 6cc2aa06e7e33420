// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { lowestOomScoreAdjustment, parseResourceLimits } from "./limits.ts";
import { findProcess, isSameProcessRunning, parseProcessState } from "./process-identity.ts";

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

test("tells a running process from one with another start time, and from none", async () => {
  const own = await findProcess(process.pid);
  assert.equal(own?.parent, process.ppid);
  assert.ok(await isSameProcessRunning(process.pid, own?.startTime ?? 0));
  assert.ok(!(await isSameProcessRunning(process.pid, (own?.startTime ?? 0) + 1)));
  assert.equal(await findProcess(0x3fffff + 1), undefined);
});
