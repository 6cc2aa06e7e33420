// SPDX-License-Identifier: Apache-2.0
// The newest shim (Task service version 3, started with BootstrapParams) and runc, built from Go modules where Go is.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { testHandler } from "./testing/suite.ts";

const script = join(import.meta.dirname, "../../../../tools/build-peers.sh");
const { status, stdout, stderr } = spawnSync(script, { encoding: "utf8" });

if (status === 3) {
  void test("newest shim and runc", { skip: stderr.trim() }, () => {});
} else {
  assert.equal(status, 0, stderr);
  const directory = stdout.trim();
  testHandler({
    name: "newest-runc",
    driver: "shim",
    shim: join(directory, "containerd-shim-runc-v2"),
    binary: join(directory, "runc"),
    systemdCgroup: false,
  });
}
