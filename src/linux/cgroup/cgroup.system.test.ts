// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { Cgroup } from "./cgroup.ts";
import { directoriesOfPath, readCgroupLayout } from "./layout.ts";
import { removeEmptyCgroup } from "./remove-empty.ts";

const { signal } = new AbortController();

/** A cgroup of the test's own in every hierarchy, with one below it. */
async function makeCgroup(t: TestContext, name: string) {
  const layout = await readCgroupLayout();
  const cgroupsPath = `/berth-test-${process.pid}-${name}`;
  const directories = directoriesOfPath(layout, cgroupsPath);
  const cgroup = new Cgroup(directories);
  t.after(async () => {
    await cgroup.kill({ signal });
    await cgroup.remove({ signal });
  });
  for (const directory of Object.values(directories)) await mkdir(path.join(directory, "below"), { recursive: true });
  const enter = async (pid: number, below: string) => {
    for (const [name, directory] of Object.entries(directories)) {
      // A new cpuset of version 1 has no CPUs and takes nobody.
      if (name.split(",").includes("cpuset")) continue;
      await writeFile(path.join(directory, below, "cgroup.procs"), String(pid));
    }
  };
  return { cgroup, directories, enter };
}

function pidOf(child: ChildProcess): number {
  assert.ok(child.pid);
  return child.pid;
}

test("lists and kills the processes of a cgroup and of those below it, and removes it", async (t) => {
  const { cgroup, directories, enter } = await makeCgroup(t, "kill");
  const outer = spawn("sleep", ["1000"], { stdio: "ignore" });
  const inner = spawn("sh", ["-c", "trap '' TERM; exec sleep 1000"], { stdio: "ignore" });
  const exits = Promise.all([once(outer, "exit"), once(inner, "exit")]);
  t.after(() => outer.kill("SIGKILL"));
  t.after(() => inner.kill("SIGKILL"));
  await enter(pidOf(outer), "");
  await enter(pidOf(inner), "below");
  const found = await cgroup.processes();
  assert.ok([outer, inner].every((child) => found.includes(pidOf(child))));
  await cgroup.kill({ signal });
  assert.deepEqual(
    (await exits).map(([, signal]) => signal as string),
    ["SIGKILL", "SIGKILL"],
  );
  assert.deepEqual(await cgroup.processes(), []);
  await cgroup.remove({ signal });
  assert.ok(Object.values(directories).every((directory) => !existsSync(directory)));
});

test("an empty cgroup is removed, and one with another in it stays", async (t) => {
  const { directories } = await makeCgroup(t, "empty");
  const cgroupsPath = `/berth-test-${process.pid}-empty`;
  await removeEmptyCgroup(cgroupsPath);
  for (const directory of Object.values(directories)) assert.ok(existsSync(path.join(directory, "below")));
  await removeEmptyCgroup(`${cgroupsPath}/below`);
  await removeEmptyCgroup(cgroupsPath);
  await removeEmptyCgroup(cgroupsPath);
  for (const directory of Object.values(directories)) assert.ok(!existsSync(directory));
});

test("takes a cgroup that does not exist for empty and removed", async () => {
  const cgroup = new Cgroup(directoriesOfPath(await readCgroupLayout(), `/berth-test-${process.pid}-none`));
  assert.deepEqual(await cgroup.processes(), []);
  assert.equal(await cgroup.oomKills(), undefined);
  await cgroup.kill({ signal });
  await cgroup.remove({ signal });
});

test("counts what the kernel killed for want of memory", async (t) => {
  const { cgroup, directories, enter } = await makeCgroup(t, "oom");
  const { memory, "": unified } = directories;
  const limit = memory === undefined ? path.join(unified ?? "", "memory.max") : `${memory}/memory.limit_in_bytes`;
  await writeFile(limit, String(8 << 20));
  assert.equal(await cgroup.oomKills(), 0);
  const eater = spawn("sh", ["-c", "read go; exec tail /dev/zero"], { stdio: ["pipe", "ignore", "ignore"] });
  t.after(() => eater.kill("SIGKILL"));
  await enter(pidOf(eater), "");
  eater.stdin?.end("go\n");
  assert.deepEqual(await once(eater, "exit"), [null, "SIGKILL"]);
  assert.equal(await cgroup.oomKills(), 1);
});

test("kills what is frozen", async (t) => {
  const { cgroup, directories, enter } = await makeCgroup(t, "frozen");
  const child = spawn("sleep", ["1000"], { stdio: "ignore" });
  t.after(() => child.kill("SIGKILL"));
  const exit = once(child, "exit");
  await enter(pidOf(child), "");
  const { freezer, "": unified } = directories;
  if (freezer === undefined) await writeFile(path.join(unified ?? "", "cgroup.freeze"), "1");
  else await writeFile(path.join(freezer, "freezer.state"), "FROZEN");
  await cgroup.kill({ signal });
  assert.deepEqual(await exit, [null, "SIGKILL"]);
});

test("says what keeps a cgroup from being removed", async (t) => {
  const { cgroup, enter } = await makeCgroup(t, "busy");
  const child = spawn("sleep", ["1000"], { stdio: "ignore" });
  t.after(() => child.kill("SIGKILL"));
  await enter(pidOf(child), "below");
  await assert.rejects(cgroup.remove({ signal: AbortSignal.abort() }), {
    code: "deadline-exceeded",
    message: new RegExp(`^cannot remove cgroup .*-busy/below: it still has processes ${pidOf(child)}$`),
  });
});
