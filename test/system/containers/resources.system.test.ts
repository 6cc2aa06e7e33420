// SPDX-License-Identifier: Apache-2.0
// Limits, as the kernel has them in the container's cgroup on this machine.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { suite, test } from "node:test";
import { hierarchyOf, readCgroupLayout } from "../../../src/linux/cgroup/layout.ts";
import { removeEmptyCgroup } from "../../../src/linux/cgroup/remove-empty.ts";
import { outputOf, type RunInit, runContainer, startContainer } from "../../support/run-container.ts";
import { suiteDaemon } from "../../support/suite-daemon.ts";

const mebibyte = 1n << 20n;

suite("resources", () => {
  const at = suiteDaemon();

  /** Starts a container and reads files of its cgroup, named as version 1 and as version 2 have them. */
  async function limitsOf(init: RunInit, files: readonly (readonly [string, string, string])[]): Promise<string[]> {
    const layout = await readCgroupLayout();
    const id = await startContainer(at.client, init);
    try {
      return await Promise.all(
        files.map(async ([controller, legacy, unified]) => {
          const mountPoint = hierarchyOf(layout, controller)?.mountPoint ?? "";
          const file = path.join(mountPoint, at.daemon.cgroupParent, id, layout.version === 1 ? legacy : unified);
          return (await readFile(file, "utf8")).trim();
        }),
      );
    } finally {
      await at.client.containers.remove(id, { force: true });
    }
  }

  test("memory is limited, with as much swap again", async () => {
    const { version } = await readCgroupLayout();
    const limits = await limitsOf({ resources: { memoryBytes: 32n * mebibyte } }, [
      ["memory", "memory.limit_in_bytes", "memory.max"],
      ["memory", "memory.memsw.limit_in_bytes", "memory.swap.max"],
    ]);
    // Version 1 counts memory and swap together.
    assert.deepEqual(limits, [String(32n * mebibyte), String((version === 1 ? 64n : 32n) * mebibyte)]);
  });

  test("memory's reservation and swap are what was asked for", async () => {
    const { version } = await readCgroupLayout();
    const resources = {
      memoryBytes: 32n * mebibyte,
      memoryReservationBytes: 16n * mebibyte,
      memorySwapBytes: 32n * mebibyte,
    };
    const limits = await limitsOf({ resources }, [
      ["memory", "memory.soft_limit_in_bytes", "memory.low"],
      ["memory", "memory.memsw.limit_in_bytes", "memory.swap.max"],
    ]);
    assert.deepEqual(limits, [String(16n * mebibyte), version === 1 ? String(32n * mebibyte) : "0"]);
  });

  test("a process that takes more than its limit is killed, and the container says so", async () => {
    const script = "head -c 100m /dev/zero | tail";
    const { id, exitCode } = await runContainer(at.client, `${script}; exit 137`, {
      resources: { memoryBytes: 16n * mebibyte, memorySwapBytes: 16n * mebibyte },
      keep: true,
    });
    const { state } = await at.client.containers.inspect(id);
    assert.deepEqual([exitCode, state?.oomKilled], [137, true]);
    await at.client.containers.remove(id);
  });

  test("processors are limited in time, weight and number", async () => {
    const { version } = await readCgroupLayout();
    const resources = { nanoCpus: 500_000_000n, cpuShares: 512n, cpusetCpus: "0" };
    const [quota, , cpus] = await limitsOf({ resources }, [
      ["cpu", "cpu.cfs_quota_us", "cpu.max"],
      ["cpu", "cpu.shares", "cpu.weight"],
      ["cpuset", "cpuset.cpus", "cpuset.cpus"],
    ]);
    assert.deepEqual([quota, cpus], [version === 1 ? "50000" : "50000 100000", "0"]);
    assert.equal(await outputOf(at.client, "nproc", { resources: { cpusetCpus: "0" } }), "1");
  });

  test("processes are limited in number", async () => {
    const [limit] = await limitsOf({ resources: { pidsLimit: 7n } }, [["pids", "pids.max", "pids.max"]]);
    assert.equal(limit, "7");
    const script = "for i in 1 2 3 4 5 6 7 8 9; do sleep 2 & done";
    const { stderr } = await runContainer(at.client, script, { resources: { pidsLimit: 5n } });
    assert.match(stderr, /can't fork/);
  });

  test("/dev/shm has 64 MiB, or what was asked for", async () => {
    const size = "df -k /dev/shm | awk 'NR == 2 { print $2 }'";
    assert.equal(await outputOf(at.client, size), "65536");
    assert.equal(await outputOf(at.client, size, { shmSizeBytes: 2n * mebibyte }), "2048");
    assert.equal(await outputOf(at.client, size, { shmSizeBytes: 3n * mebibyte, ipcMode: "shareable" }), "3072");
  });

  test("a cgroup parent of the user's is used", async () => {
    const cgroupParent = `${at.daemon.cgroupParent}/own`;
    const layout = await readCgroupLayout();
    const pids = hierarchyOf(layout, "pids")?.mountPoint ?? "";
    const id = await startContainer(at.client, { cgroupParent });
    assert.ok(existsSync(path.join(pids, cgroupParent, id)));
    await at.client.containers.remove(id, { force: true });
    assert.ok(!existsSync(path.join(pids, cgroupParent, id)));
    await removeEmptyCgroup(cgroupParent);
  });

  test("the engine's own cgroup parent goes with a daemon that has no containers", async () => {
    const { mountPoint = "" } = hierarchyOf(await readCgroupLayout(), "pids") ?? {};
    const parent = path.join(mountPoint, at.daemon.cgroupParent);
    const id = await startContainer(at.client);
    await at.daemon.stop();
    assert.ok(existsSync(path.join(parent, id)), "a container outlives the daemon, with its cgroup");
    await at.daemon.start();
    await at.client.containers.remove(id, { force: true });
    await at.daemon.stop();
    assert.ok(!existsSync(parent));
    await at.daemon.start();
  });

  test("impossible limits are refused with Docker's texts", async () => {
    for (const [resources, message] of [
      [{ memoryBytes: mebibyte }, /Minimum memory limit allowed is 6MB/],
      [{ cpusetCpus: "4095" }, /cpuset|CPUs|cpus/],
      [{ nanoCpus: 1_000_000_000_000_000n }, /CPUs/],
    ] as const) {
      await assert.rejects(at.client.containers.create({ image: "busybox", resources }), { message });
    }
  });
});
