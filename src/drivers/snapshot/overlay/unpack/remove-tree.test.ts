// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { makeDirectoryAt, openAt2, openFlags } from "../../../../linux/ffi/file.ts";
import { closeDescriptor } from "../../../../linux/ffi/libc.ts";
import { openDirectory } from "./lower-layers.ts";
import { removeTree } from "./remove-tree.ts";

test("a tree deeper than any path and wider than one level goes, and links out of it are not followed", (t) => {
  const directory = fs.mkdtempSync(join(tmpdir(), "berth-remove-"));
  t.after(() => fs.rmSync(directory, { recursive: true, force: true }));
  fs.mkdirSync(join(directory, "outside"));
  fs.writeFileSync(join(directory, "outside/canary"), "alive");
  fs.mkdirSync(join(directory, "tree"));
  const top = openDirectory(directory);
  let current = openDirectory(join(directory, "tree"));
  for (let depth = 0; depth < 5000; depth++) {
    makeDirectoryAt(current, "d", 0o700);
    if (depth % 50 === 0) makeDirectoryAt(current, "e", 0o700);
    const next = openAt2(current, "d", { flags: openFlags.directory, resolve: 0 });
    closeDescriptor(current);
    current = next;
  }
  fs.symlinkSync(join(directory, "outside"), `/proc/self/fd/${current}/link`);
  fs.writeFileSync(Buffer.from(`/proc/self/fd/${current}/\xff`, "latin1"), "not UTF-8");
  closeDescriptor(current);
  removeTree(top, "tree");
  removeTree(top, "tree");
  closeDescriptor(top);
  assert.deepEqual(fs.readdirSync(directory), ["outside"]);
  assert.equal(fs.readFileSync(join(directory, "outside/canary"), "utf8"), "alive");
});
