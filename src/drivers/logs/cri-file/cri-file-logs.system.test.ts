// SPDX-License-Identifier: Apache-2.0
// What a full disk does to a log. Needs root: a small tmpfs is the disk.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { type Logger, silentLogger } from "../../../base/log.ts";
import { CriFileLogs } from "./cri-file-logs.ts";

test("a full disk drops output, says so once, and the log goes on when there is room", async (t) => {
  const directory = mkdtempSync(path.join(tmpdir(), "berth-log-full-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=128k", "berth-test-log", directory]);
  t.after(() => {
    execFileSync("umount", [directory]);
    rmdirSync(directory);
  });
  const messages: string[] = [];
  const record = (_: unknown, message: string) => void messages.push(message);
  const logger: Logger = { ...silentLogger, error: record, warn: record, info: record };
  const logs = new CriFileLogs({ logger });
  const file = path.join(directory, "c.log");
  const filler = path.join(directory, "filler");
  writeFileSync(filler, Buffer.alloc(100 * 1024));
  const writer = await logs.open(file, { terminal: false });
  const lines = Array.from({ length: 300 }, (_, index) => `line ${index} ${"x".repeat(100)}`);
  for (const line of lines) writer.write("stdout", Buffer.from(`${line}\n`));
  rmSync(filler);
  writer.write("stdout", Buffer.from("room again\n"));
  await writer[Symbol.asyncDispose]();

  const seen: string[] = [];
  for await (const entry of logs.read(file, { follow: false, signal: new AbortController().signal })) {
    seen.push(Buffer.from(entry.content).toString());
  }
  const kept = seen.length - 2;
  assert.ok(kept > 10 && kept < 300, `${kept} lines fitted`);
  assert.deepEqual(seen.slice(0, kept), lines.slice(0, kept));
  const lost = lines.slice(kept).reduce((sum, line) => sum + line.length + 41, 0);
  assert.equal(seen[kept], `[berth: ${lost} bytes of this log are lost, they could not be written]`);
  assert.equal(seen[kept + 1], "room again");
  assert.deepEqual(messages, [
    "a container's log cannot be written, output is dropped",
    "a container's log is written again",
  ]);
});
