// SPDX-License-Identifier: Apache-2.0
// The distribution's shim with its crun. crun refuses a hybrid cgroup tree: there the tests run in a mount namespace of
// their own without the version 2 tree, made shared so that what they mount reaches the shims.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { Fixture, signal } from "./testing/fixture.ts";
import { testHandler } from "./testing/suite.ts";

const handler = { name: "crun", driver: "shim", shim: "containerd-shim-runc-v2", binary: "crun", systemdCgroup: false };
const unified = "/sys/fs/cgroup/unified";

if (existsSync(`${unified}/cgroup.procs`)) {
  void test("crun: a hybrid cgroup tree is the reason why it cannot run", async () => {
    await using fixture = await Fixture.open(handler);
    await assert.rejects(fixture.runtime.probe(handler, { signal }), {
      code: "failed-precondition",
      message: /crun cannot run here: .*hybrid/,
    });
    await assert.rejects(fixture.runtime.create(fixture.request(["/bin/true"]), { signal }), /hybrid/);
    assert.deepEqual(await fixture.leftovers(), []);
  });
  void test("crun without the version 2 tree", { timeout: 300_000 }, () => {
    // crun leaves directories where the tree was: an empty file system takes them instead of the machine's own.
    const hide = `umount ${unified} && mount -t tmpfs tmpfs ${unified} && mount --make-rshared /`;
    const script = `${hide} && exec "$0" "$1"`;
    const command = ["-m", "--propagation", "private", "sh", "-c", script, process.execPath, import.meta.filename];
    // The inner run reports by itself and not to this one.
    const { NODE_TEST_CONTEXT: _context, ...environment } = process.env;
    const { status, stdout, stderr } = spawnSync("unshare", command, { encoding: "utf8", env: environment });
    assert.equal(status, 0, `${stdout}\n${stderr}`);
  });
} else {
  testHandler(handler);
}
