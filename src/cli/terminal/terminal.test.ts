// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { EventEmitter } from "node:events";
import path from "node:path";
import process from "node:process";
import { test } from "node:test";
import type { WriteStream } from "node:tty";
import { promisify } from "node:util";
import { enterRawMode, onResize, terminalSize } from "./terminal.ts";

const run = promisify(execFile);
const victim = path.join(import.meta.dirname, "testing/raw-mode-victim.ts");
// script(1) gives the process a terminal of its own.
const noScript = spawnSync("script", ["--version"]).status !== 0 && "script is not on PATH";

for (const ending of ["dispose", "exit", "throw", "SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM"]) {
  test(`the terminal is as before after ${ending}`, { skip: noScript }, async () => {
    const command = `${process.execPath} ${victim} ${ending} 2>/dev/null; stty -a`;
    const { stdout } = await run("script", ["-qec", command, "/dev/null"], { timeout: 20_000 });
    assert.match(stdout, /raw=true/);
    assert.match(stdout, /[^-]icanon/);
    assert.match(stdout, /[^-]echo\b/);
  });
}

function fakeInput(isTTY = true) {
  const input = {
    isTTY,
    isRaw: false,
    setRawMode(raw: boolean) {
      input.isRaw = raw;
      return input as never;
    },
  };
  return input;
}

test("raw mode is left when it is disposed of, and no listener stays", () => {
  const before = ["exit", "SIGHUP", "SIGTERM"].map((name) => process.listenerCount(name));
  const input = fakeInput();
  {
    using _raw = enterRawMode(input as never);
    assert.equal(input.isRaw, true);
  }
  assert.equal(input.isRaw, false);
  assert.deepEqual(
    ["exit", "SIGHUP", "SIGTERM"].map((name) => process.listenerCount(name)),
    before,
  );
});

test("an input that is no terminal is left alone", () => {
  const input = fakeInput(false);
  using _raw = enterRawMode(input as never);
  assert.equal(input.isRaw, false);
});

test("a terminal that was raw stays raw", () => {
  const input = fakeInput();
  input.isRaw = true;
  enterRawMode(input as never)[Symbol.dispose]();
  assert.equal(input.isRaw, true);
});

test("a signal that somebody else handles does not end raw mode", () => {
  const input = fakeInput();
  const handled: string[] = [];
  const handler = (name: string) => handled.push(name);
  process.on("SIGHUP", handler);
  try {
    using _raw = enterRawMode(input as never);
    process.emit("SIGHUP", "SIGHUP");
    assert.deepEqual(handled, ["SIGHUP"]);
    assert.equal(input.isRaw, true);
  } finally {
    process.off("SIGHUP", handler);
  }
});

test("sizes are told as they change, until disposed of", () => {
  const output = Object.assign(new EventEmitter(), { rows: 24, columns: 80 });
  const sizes: unknown[] = [];
  const watch = onResize(output as unknown as WriteStream, (size) => sizes.push(size));
  Object.assign(output, { rows: 50, columns: 132 });
  output.emit("resize");
  watch[Symbol.dispose]();
  output.emit("resize");
  assert.deepEqual(sizes, [{ rows: 50, columns: 132 }]);
});

test("an output that is no terminal has no size", () => {
  assert.equal(terminalSize({} as WriteStream), undefined);
  assert.equal(terminalSize({ rows: 0, columns: 0 }), undefined);
  assert.deepEqual(terminalSize({ rows: 24, columns: 80 }), { rows: 24, columns: 80 });
});
