// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { readApparmorProfiles } from "./modules.ts";

test("loaded profiles are lines with their mode behind; without the file there are none", async (t) => {
  const directory = await mkdtemp(path.join(tmpdir(), "berth-apparmor-"));
  t.after(async () => await rm(directory, { recursive: true }));
  const file = path.join(directory, "profiles");
  await writeFile(file, "/usr/bin/man (enforce)\nodd (name) (complain)\nlsb_release (unconfined)\n");
  assert.deepEqual([...(await readApparmorProfiles(file))], ["/usr/bin/man", "odd (name)", "lsb_release"]);
  assert.deepEqual([...(await readApparmorProfiles(`${file}.missing`))], []);
});
