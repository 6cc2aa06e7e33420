// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import test from "node:test";
import { killProcessTree } from "./process-tree.ts";

const sigkill = 9;

for (const detached of [true, false]) {
  test(`ends a process with what it started, ${detached ? "leading a group" : "in the group of another"}`, async () => {
    const script = "(setsid sleep 300 & echo $!; wait) & sleep 300 & echo $!; wait";
    const child = spawn("sh", ["-c", script], { detached, stdio: ["ignore", "pipe", "inherit"] });
    const lines: number[] = [];
    for await (const line of createInterface(child.stdout)) {
      lines.push(Number(line));
      if (lines.length === 2) break;
    }
    const exited = once(child, "exit");
    assert.ok(killProcessTree(child.pid ?? 0, sigkill));
    assert.deepEqual((await exited)[1], "SIGKILL");
    for (const id of lines) {
      const deadline = Date.now() + 5_000;
      while (isThere(id)) assert.ok(Date.now() < deadline, `process ${id} is still there`);
    }
    assert.equal(killProcessTree(child.pid ?? 0, sigkill), false);
  });
}

function isThere(id: number): boolean {
  try {
    process.kill(id, 0);
    return true;
  } catch {
    return false;
  }
}
