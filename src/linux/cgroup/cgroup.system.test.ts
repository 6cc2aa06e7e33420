// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { Cgroup } from "./cgroup.ts";
import { cgroupDirectory, readCgroupLayout } from "./layout.ts";

/** A cgroup of the test's own in every hierarchy, with one below it. */
async function makeCgroup(t: TestContext, name: string) {
  const layout = await readCgroupLayout();
  const cgroupsPath = `/berth-test-${process.pid}-${name}`;
  const cgroup = new Cgroup(layout, cgroupsPath);
  t.after(async () => {
    await cgroup.kill();
    await cgroup.remove();
  });
  for (const directory of cgroup.directories) await mkdir(path.join(directory, "below"), { recursive: true });
  const enter = async (pid: number, below: string) => {
    for (const hierarchy of layout.hierarchies) {
      // A new cpuset of version 1 has no CPUs and takes nobody.
      if (layout.version === 1 && hierarchy.controllers.includes("cpuset")) continue;
      await writeFile(path.join(cgroupDirectory(hierarchy, cgroupsPath), below, "cgroup.procs"), String(pid));
    }
  };
  return { cgroup, enter };
}

function pidOf(child: ChildProcess): number {
  assert.ok(child.pid);
  return child.pid;
}

test("lists and kills the processes of a cgroup and of those below it, and removes it", async (t) => {
  const { cgroup, enter } = await makeCgroup(t, "kill");
  const outer = spawn("sleep", ["1000"], { stdio: "ignore" });
  const inner = spawn("sh", ["-c", "trap '' TERM; exec sleep 1000"], { stdio: "ignore" });
  const exits = Promise.all([once(outer, "exit"), once(inner, "exit")]);
  t.after(() => outer.kill("SIGKILL"));
  t.after(() => inner.kill("SIGKILL"));
  await enter(pidOf(outer), "");
  await enter(pidOf(inner), "below");
  const found = await cgroup.processes();
  assert.ok([outer, inner].every((child) => found.includes(pidOf(child))));
  await cgroup.kill();
  assert.deepEqual(
    (await exits).map(([, signal]) => signal as string),
    ["SIGKILL", "SIGKILL"],
  );
  assert.deepEqual(await cgroup.processes(), []);
  await cgroup.remove();
  assert.ok(cgroup.directories.every((directory) => !existsSync(directory)));
});

test("takes a cgroup that does not exist for empty and removed", async () => {
  const cgroup = new Cgroup(await readCgroupLayout(), `/berth-test-${process.pid}-none`);
  assert.deepEqual(await cgroup.processes(), []);
  assert.equal(await cgroup.oomKills(), undefined);
  await cgroup.kill();
  await cgroup.remove();
});

test("counts what the kernel killed for want of memory", async (t) => {
  const { cgroup, enter } = await makeCgroup(t, "oom");
  const layout = await readCgroupLayout();
  const hierarchy = layout.hierarchies.find((candidate) => candidate.controllers.includes("memory"));
  const directory = cgroup.directories[hierarchy === undefined ? -1 : layout.hierarchies.indexOf(hierarchy)];
  assert.ok(directory);
  await writeFile(path.join(directory, layout.version === 1 ? "memory.limit_in_bytes" : "memory.max"), String(8 << 20));
  assert.equal(await cgroup.oomKills(), 0);
  const eater = spawn("sh", ["-c", "read go; exec tail /dev/zero"], { stdio: ["pipe", "ignore", "ignore"] });
  t.after(() => eater.kill("SIGKILL"));
  await enter(pidOf(eater), "");
  eater.stdin?.end("go\n");
  assert.deepEqual(await once(eater, "exit"), [null, "SIGKILL"]);
  assert.equal(await cgroup.oomKills(), 1);
});
