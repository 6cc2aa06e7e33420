// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chown, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { createRootFilesystem } from "./root-filesystem.ts";

const signal = new AbortController().signal;
const files = createRootFilesystem();

async function makeRoot(t: TestContext): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), "berth-archive-tree-"));
  t.after(async () => await rm(directory, { recursive: true }));
  await mkdir(path.join(directory, "root"));
  await mkdir(path.join(directory, "outside"));
  await writeFile(path.join(directory, "outside", "secret"), "host");
  return path.join(directory, "root");
}

const list = (archive: Buffer) =>
  execFileSync("tar", ["--numeric-owner", "-tvf", "-"], { input: archive, encoding: "utf8" }).trimEnd().split("\n");

test("names links and does not follow them, also a directory that became one while it was read", async (t) => {
  const root = await makeRoot(t);
  await symlink("../outside", path.join(root, "a-link"));
  await writeFile(path.join(root, "b-large"), Buffer.alloc(2_000_000));
  await mkdir(path.join(root, "c-turned"));
  await writeFile(path.join(root, "c-turned", "secret"), "inside");
  const chunks: Uint8Array[] = [];
  for await (const chunk of files.archive(root, { signal })) {
    if (chunks.length === 0) {
      await rm(path.join(root, "c-turned"), { recursive: true });
      await symlink("../outside", path.join(root, "c-turned"));
    }
    chunks.push(chunk);
  }
  const names = list(Buffer.concat(chunks)).map((line) => line.replace(/^(.).*\d\d:\d\d /, "$1 "));
  assert.deepEqual(names, ["l a-link -> ../outside", "- b-large", "l c-turned -> ../outside"]);
});

test("writes the ids inside a user namespace, and stops when told to", async (t) => {
  const root = await makeRoot(t);
  await writeFile(path.join(root, "file"), "x");
  await chown(path.join(root, "file"), 100_005, 200_006);
  const idMappings = {
    uidMappings: [{ containerId: 0, hostId: 100_000, size: 65_536 }],
    gidMappings: [{ containerId: 0, hostId: 200_000, size: 65_536 }],
  };
  const archive = await Array.fromAsync(files.archive(root, { signal, idMappings }));
  assert.match(list(Buffer.concat(archive))[0] ?? "", / 5\/6 .* file$/);
  const aborted = AbortSignal.abort(new Error("enough"));
  await assert.rejects(Array.fromAsync(files.archive(root, { signal: aborted })), /enough/);
});
