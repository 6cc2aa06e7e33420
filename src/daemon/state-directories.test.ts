// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { prepareStateDirectories } from "./state-directories.ts";

void test("other users can walk down to root filesystems, and see no streams", async (t) => {
  const directory = await mkdtemp(path.join(tmpdir(), "berth-state-directories-"));
  t.after(async () => await rm(directory, { recursive: true }));
  const state = path.join(directory, "state");
  await prepareStateDirectories(state);
  const mode = async (name: string) => ((await stat(path.join(state, name))).mode & 0o777).toString(8);
  assert.deepEqual([await mode("."), await mode("rootfs"), await mode("io")], ["711", "711", "700"]);
});
