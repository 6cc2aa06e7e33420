// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { syncDirectory, writeDurably } from "./durable.ts";

async function scratch(t: TestContext): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), "berth-durable-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

test("writes and replaces a file with the mode that was asked for, whatever the umask", async (t) => {
  const directory = await scratch(t);
  const file = path.join(directory, "record.json");
  await writeDurably(file, "first, and longer", 0o666);
  assert.equal((await stat(file)).mode & 0o777, 0o666);
  await writeDurably(file, "second", 0o600);
  assert.equal(await readFile(file, "utf8"), "second");
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.deepEqual(await readdir(directory), ["record.json"]);
});

test("takes over what a crash left of an earlier write", async (t) => {
  const directory = await scratch(t);
  await writeFile(path.join(directory, ".record.json.new"), "half a record that was longer", { mode: 0o644 });
  await writeDurably(path.join(directory, "record.json"), "whole", 0o600);
  assert.equal(await readFile(path.join(directory, "record.json"), "utf8"), "whole");
  assert.equal((await stat(path.join(directory, "record.json"))).mode & 0o777, 0o600);
  assert.deepEqual(await readdir(directory), ["record.json"]);
});

test("leaves the old file and nothing else when it fails", async (t) => {
  const directory = await scratch(t);
  await mkdir(path.join(directory, "taken"));
  await writeFile(path.join(directory, "taken", "inside"), "");
  await assert.rejects(writeDurably(path.join(directory, "taken"), "text", 0o600), { code: "EISDIR" });
  assert.deepEqual(await readdir(directory), ["taken"]);
  await assert.rejects(writeDurably(path.join(directory, "none", "file"), "text", 0o600), { code: "ENOENT" });
});

test("refuses to sync a directory that is not there", async (t) => {
  const directory = await scratch(t);
  await syncDirectory(directory);
  await assert.rejects(syncDirectory(path.join(directory, "none")), { code: "ENOENT" });
});
