// SPDX-License-Identifier: Apache-2.0
// make demo, as a new user sees it: it works, and it leaves nothing, whatever ends it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { test } from "node:test";
import { assertNoLeaks, snapshotMachine } from "../../support/leaks.ts";

const program = path.join(import.meta.dirname, "../../../tools/demo.ts");

interface DemoRun {
  readonly status: number | null;
  readonly output: string;
}

/** Runs it to its end; when this line has come, the signal is sent. */
async function runDemo(interruption?: {
  readonly line: string;
  readonly posixSignal: NodeJS.Signals;
}): Promise<DemoRun> {
  const child = spawn(process.execPath, [program], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  let isInterrupted = false;
  const read = (chunk: string) => {
    output += chunk;
    if (isInterrupted || interruption === undefined || !output.includes(interruption.line)) return;
    isInterrupted = true;
    child.kill(interruption.posixSignal);
  };
  child.stdout.setEncoding("utf8").on("data", read);
  child.stderr.setEncoding("utf8").on("data", read);
  const [status] = (await once(child, "close")) as [number | null];
  return { status, output };
}

/** What carries the name of its directory, or that of its bridge. */
async function leavesNothing(before: Awaited<ReturnType<typeof snapshotMachine>>, output: string): Promise<void> {
  const [, identity = ""] = /\/berth-demo-([0-9a-f]{6})-/.exec(output) ?? [];
  assert.notEqual(identity, "", output);
  await assertNoLeaks(before, { marks: [`berth-demo-${identity}`, `bdemo-${identity}`] });
}

test("the demo shows each step with its time and leaves nothing", async () => {
  const before = await snapshotMachine();
  const { status, output } = await runDemo();
  assert.equal(status, 0, output);
  for (const step of ["push", "rmi", "pull", "run -d --init --name web --memory 64m -p", "logs web", "stop web"]) {
    assert.match(output, new RegExp(`^\\$ (?:.*\\| )?bin/berth ${step}[^]*?^ {2}\\[\\d+\\.\\d\\d s\\]$`, "m"));
  }
  assert.match(output, /^\$ curl http:\/\/127\.0\.0\.1:\d+\/\n {2}hello from a container\n/m);
  assert.match(output, /^Nothing is left/m);
  await leavesNothing(before, output);
});

test("Ctrl-C ends the demo with 130, and it still takes its container away", async () => {
  const before = await snapshotMachine();
  const { status, output } = await runDemo({ line: "hello from a container\n", posixSignal: "SIGINT" });
  assert.equal(status, 130, output);
  assert.match(output, /^demo: interrupted by SIGINT$/m);
  await leavesNothing(before, output);
});
