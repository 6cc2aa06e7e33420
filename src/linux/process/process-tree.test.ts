// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { sigkill } from "../../base/posix-signal.ts";
import { findProcess } from "./process-identity.ts";
import { killProcessTree } from "./process-tree.ts";

/** A shell that prints the number of a process that it started in its own group. */
async function startShell(script: string, detached: boolean): Promise<{ shell: ChildProcess; child: number }> {
  const shell = spawn("sh", ["-c", script], { detached, stdio: ["ignore", "pipe", "ignore"] });
  for await (const line of createInterface({ input: shell.stdout })) return { shell, child: Number(line) };
  throw new Error("the shell printed nothing");
}

/** Gone, or a zombie that nobody waits for. */
async function ended(pid: number): Promise<void> {
  const deadline = Date.now() + 5000;
  for (;;) {
    const found = await findProcess(pid);
    if (found === undefined || found.state === "Z") return;
    assert(Date.now() < deadline, `process ${pid} ended`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test("all of the group are signalled, also when its leader ended before", async () => {
  // The leader is a shell that has ended when its children are signalled.
  const script = "sleep 1000 >/dev/null & sleep 1000 >/dev/null & echo $!";
  const { shell, child } = await startShell(script, true);
  await once(shell, "exit");
  assert.equal(killProcessTree(child, sigkill), true);
  await ended(child);
  // A group of which nobody is left cannot be signalled.
  assert(shell.pid !== undefined);
  const group = -shell.pid;
  const deadline = Date.now() + 5000;
  for (;;) {
    try {
      process.kill(group, 0);
    } catch {
      break; // the other sleep has ended too
    }
    assert(Date.now() < deadline, "the group ended");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
});

test("a process that has no session of its own is signalled alone", async () => {
  const { shell, child } = await startShell("sleep 1000 >/dev/null & echo $!; wait", false);
  assert.equal(killProcessTree(child, sigkill), true);
  const [code] = (await once(shell, "exit")) as [number];
  assert.equal(code, 0, "the shell, in the same group, lived to wait for it");
});

test("one that has ended is not there", async () => {
  const child = spawn("true", { stdio: "ignore" });
  await once(child, "exit");
  assert(child.pid !== undefined);
  assert.equal(killProcessTree(child.pid, sigkill), false);
});

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
    for (const id of lines) await ended(id);
    assert.equal(killProcessTree(child.pid ?? 0, sigkill), false);
  });
}
