// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { isEngineError } from "../../base/errors.ts";
import { type ProgramRequest, runProgram } from "./run-program.ts";

const forever = { signal: new AbortController().signal };

function shell(script: string, more: Partial<ProgramRequest> = {}): ProgramRequest {
  return { file: "/bin/sh", parameters: ["-c", script], environment: { PATH: "/usr/bin:/bin" }, ...more };
}

test("output, errors and exit status come back", async () => {
  const { status, posixSignal, stdout, stderr } = await runProgram(shell("echo out; echo err >&2; exit 3"), forever);
  assert.deepEqual([status, posixSignal, stdout.toString(), stderr.toString()], [3, undefined, "out\n", "err\n"]);
});

test("input reaches it, also more than a pipe holds; without one it reads nothing", async () => {
  const input = "x".repeat(300_000);
  const { stdout } = await runProgram(shell("wc -c", { input }), forever);
  assert.equal(stdout.toString().trim(), "300000");
  assert.equal((await runProgram(shell("wc -c"), forever)).stdout.toString().trim(), "0");
});

test("it gets exactly the environment and the directory that it was given", async () => {
  const { stdout } = await runProgram(
    { file: "/usr/bin/env", parameters: [], environment: { A: "1 2", B: undefined }, directory: "/tmp" },
    forever,
  );
  assert.equal(stdout.toString(), "A=1 2\n");
  assert.equal((await runProgram(shell("pwd -P", { directory: "/usr/bin" }), forever)).stdout.toString(), "/usr/bin\n");
});

test("a signal that ends it is told from an exit", async () => {
  const { status, posixSignal } = await runProgram(shell("kill -TERM $$"), forever);
  assert.deepEqual([status, posixSignal], [undefined, 15]);
});

test("signals that this process ignores or blocks are as usual in it", async () => {
  const { stdout } = await runProgram(shell("grep -E '^Sig(Blk|Ign)' /proc/self/status"), forever);
  assert.match(stdout.toString(), /SigBlk:\t0{16}\nSigIgn:\t0{16}\n/);
});

test("what cannot be run is an error that names it", async () => {
  await assert.rejects(runProgram({ file: "/nothing/here", parameters: [], environment: {} }, forever), (error) => {
    assert(isEngineError(error));
    assert.equal(error.code, "not-found");
    assert.match(error.message, /run \/nothing\/here/);
    return true;
  });
});

test("an abort kills it with what it started, and rejects with the reason", async () => {
  const controller = new AbortController();
  const reason = new Error("enough");
  const running = runProgram(shell("sleep 1000 & sleep 1000"), controller);
  setImmediate(() => controller.abort(reason));
  await assert.rejects(running, reason);
});

test("too much output and too much time end it", async () => {
  const endless = await runProgram(shell("yes", { maximumOutput: 100_000 }), forever);
  assert.equal(endless.posixSignal, 9);
  assert(endless.stdout.length <= 100_000);
  assert.equal((await runProgram(shell("sleep 1000", { timeoutMs: 50 }), forever)).posixSignal, 9);
});

test("a descendant that keeps the pipes does not keep the caller", async () => {
  const { status, stdout } = await runProgram(shell("setsid sleep 3 & echo done"), forever);
  assert.deepEqual([status, stdout.toString()], [0, "done\n"]);
});

test("no descriptor is left open or passed on", async () => {
  const descriptors = () => readdirSync("/proc/self/fd").length;
  await runProgram(shell("true"), forever);
  const before = descriptors();
  const list = shell("ls -l /proc/$$/fd");
  // Whoever started this process may have left it descriptors that every child inherits.
  const numbers = (output: Buffer) => output.toString().match(/ (\d+) -> /g);
  const inherited = numbers(spawnSync("sh", ["-c", "ls -l /proc/$$/fd"]).stdout);
  const results = await Promise.all(Array.from({ length: 20 }, async () => await runProgram(list, forever)));
  for (const { stdout } of results) {
    assert.deepEqual(numbers(stdout), inherited);
  }
  assert.equal(descriptors(), before);
});
