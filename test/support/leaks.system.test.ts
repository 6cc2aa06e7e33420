// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { hierarchyOf, readCgroupLayout } from "../../src/linux/cgroup/layout.ts";
import { mountOne } from "../../src/linux/mount/mount-all.ts";
import { unmountAll } from "../../src/linux/mount/unmount.ts";
import { assertNoLeaks, snapshotMachine } from "./leaks.ts";

test("lists what was left behind, by kind and name, and nothing of others", async (t) => {
  const mark = `berth-leak-${process.pid}`;
  const options = { marks: [mark], deadlineMs: 100 };
  const before = await snapshotMachine();
  const directory = await mkdtemp(path.join(tmpdir(), `${mark}-`));
  const layout = await readCgroupLayout();
  const cgroup = path.join(hierarchyOf(layout, "pids")?.mountPoint ?? "", mark);
  const table = mark.replaceAll("-", "_");
  const child = spawn("sleep", ["1000"], { stdio: "ignore" });
  t.after(async () => {
    child.kill("SIGKILL");
    execFileSync("nft", ["delete", "table", "inet", table]);
    await unmountAll(directory);
    await rm(directory, { recursive: true });
    await rmdir(cgroup);
    await assertNoLeaks(before, { marks: [mark, table] });
  });
  mountOne({ type: "tmpfs", source: "tmpfs", options: [] }, directory);
  await mkdir(cgroup);
  execFileSync("nft", ["add", "table", "inet", table]);
  await assert.rejects(assertNoLeaks(before, { ...options, marks: [mark, table] }), (error: Error) => {
    for (const line of [
      `  mount: tmpfs on ${directory}`,
      `  cgroup: ${cgroup}`,
      `  nft rule: table inet ${table} {`,
      `  temporary file: ${directory}`,
      `  process: ${child.pid} started at `,
    ])
      assert.ok(error.message.includes(line), `${line} is missing in ${error.message}`);
    return true;
  });
});

test("waits for what is on its way out", async () => {
  const before = await snapshotMachine();
  const child = spawn("sleep", ["0.3"], { stdio: "ignore" });
  const exit = once(child, "exit");
  await assertNoLeaks(before, { marks: ["nothing-has-this-name"] });
  await exit;
});
