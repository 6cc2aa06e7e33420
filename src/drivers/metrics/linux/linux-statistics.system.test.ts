// SPDX-License-Identifier: Apache-2.0
// Statistics of real cgroups, processes and network namespaces.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readlink, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { StatisticsReader } from "../../../core/metrics/statistics-reader.ts";
import { makeNamespace } from "../../../core/networks/testing/network-namespace.ts";
import type { CgroupDirectories } from "../../../core/tasks/task-runtime.ts";
import { Cgroup } from "../../../linux/cgroup/cgroup.ts";
import { directoriesOfPath, readCgroupLayout } from "../../../linux/cgroup/layout.ts";
import { NamespaceThread } from "../../../linux/namespaces/namespace-thread.ts";
import { openLinuxStatistics } from "./linux-statistics.ts";

const { signal } = new AbortController();
const workerUrl = new URL("../../../daemon/workers/namespaces.ts", import.meta.url);

async function openReader(t: TestContext): Promise<StatisticsReader> {
  const namespaceThread = new NamespaceThread(workerUrl);
  t.after(() => namespaceThread[Symbol.asyncDispose]());
  return await openLinuxStatistics({ namespaceThread });
}

/** A cgroup of the test's own, and a way to run a shell script in it. */
async function makeCgroup(t: TestContext, name: string) {
  const layout = await readCgroupLayout();
  const cgroups = directoriesOfPath(layout, `/berth-stats-${process.pid}-${name}`);
  const cgroup = new Cgroup(cgroups);
  t.after(async () => {
    await cgroup.kill({ signal });
    await cgroup.remove({ signal });
  });
  for (const directory of Object.values(cgroups)) await mkdir(path.join(directory, "below"), { recursive: true });
  const run = async (script: string, below = ""): Promise<ChildProcess> => {
    // Node's pipes are sockets, which the script shall not keep.
    const line = `read go; exec </dev/null; ${script}`;
    const child = spawn("busybox", ["sh", "-c", line], { stdio: ["pipe", "ignore", "ignore"] });
    t.after(() => child.kill("SIGKILL"));
    for (const [hierarchy, directory] of Object.entries(cgroups)) {
      // A new cpuset of version 1 has no CPUs and takes nobody.
      if (!hierarchy.split(",").includes("cpuset"))
        await writeFile(path.join(directory, below, "cgroup.procs"), `${child.pid}`);
    }
    child.stdin?.write("go\n");
    return child;
  };
  return { cgroups, run };
}

async function read(reader: StatisticsReader, cgroups: CgroupDirectories) {
  const statistics = await reader.readCgroup(cgroups, { detail: "full", signal });
  assert.ok(statistics?.cpu && statistics.memory && statistics.pids);
  return { ...statistics, cpu: statistics.cpu, memory: statistics.memory, pids: statistics.pids };
}

/** Asks again until it is so. */
async function until<T>(ask: () => Promise<T>, isSo: (answer: T) => boolean): Promise<T> {
  for (const deadline = Date.now() + 20_000; ; await sleep(20)) {
    const answer = await ask();
    if (isSo(answer)) return answer;
    assert.ok(Date.now() < deadline, `still ${JSON.stringify(answer, (_, v) => (typeof v === "bigint" ? `${v}` : v))}`);
  }
}

test("counts the processor time of a cgroup and what its quota took", async (t) => {
  const reader = await openReader(t);
  const { cgroups, run } = await makeCgroup(t, "cpu");
  const quota = Object.entries(cgroups).find(([name]) => name.split(",").includes("cpu"))?.[1];
  if (quota !== undefined) await writeFile(path.join(quota, "cpu.cfs_quota_us"), "20000");
  else await writeFile(path.join(cgroups[""] ?? "", "cpu.max"), "20000 100000");
  assert.equal((await read(reader, cgroups)).cpu.usageNanoseconds, 0n);
  await run("while :; do :; done");
  const { cpu } = await until(
    () => read(reader, cgroups),
    (statistics) => statistics.cpu.usageNanoseconds > 100_000_000n,
  );
  assert.ok((cpu.userNanoseconds ?? 0n) > 0n);
  assert.ok((cpu.throttling?.throttledPeriods ?? 0) > 0);
  assert.ok((cpu.throttling?.throttledNanoseconds ?? 0n) > 0n);
  // What was waited for is known where the kernel measures it.
  const pressure = (await read(reader, cgroups)).pressure.cpu?.some;
  if (pressure !== undefined) assert.ok(pressure.totalMicroseconds > 0);
});

test("counts memory, processes, their files and sockets", async (t) => {
  const reader = await openReader(t);
  const { cgroups, run } = await makeCgroup(t, "memory");
  const memory = cgroups["memory"];
  if (memory !== undefined) await writeFile(path.join(memory, "memory.limit_in_bytes"), `${64 << 20}`);
  else await writeFile(path.join(cgroups[""] ?? "", "memory.max"), `${64 << 20}`);
  assert.equal(await reader.readProcesses(cgroups, { signal }), undefined);
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  // 8 MiB in a variable, two more processes, and a socket.
  await run(
    `x=$(head -c 8388608 /dev/zero | tr '\\0' x); nc 127.0.0.1 ${port} </dev/zero >/dev/null & sleep 1000; wait`,
  );
  const statistics = await until(
    () => read(reader, cgroups),
    (now) => now.memory.rssBytes > 8 << 20 && now.pids.current === 3,
  );
  assert.equal(statistics.memory.limitBytes, 64 << 20);
  assert.ok(statistics.memory.usageBytes >= statistics.memory.workingSetBytes);
  assert.ok((statistics.memory.peakBytes ?? 0) >= 8 << 20);
  assert.ok(statistics.memory.totalPageFaults.all > 1000);
  assert.equal(statistics.memory.oomKills, 0);
  await run("sleep 1000", "below");
  const processes = await until(
    () => reader.readProcesses(cgroups, { signal }),
    (now) => now?.sockets === 1 && now.processes === 4,
  );
  assert.equal(processes?.processes, 4);
  assert.ok((processes?.fileDescriptors ?? 0) >= 10, `${processes?.fileDescriptors} descriptors`);
  assert.ok((processes?.openFilesLimit ?? 0) > 0);
});

test("counts the traffic in network namespaces, and finds none in those that are gone", async (t) => {
  const reader = await openReader(t);
  const [one, other] = [makeNamespace(t), makeNamespace(t)];
  one.run("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", other.name);
  for (const [index, namespace] of [one, other].entries()) {
    namespace.run("ip", "addr", "add", `10.9.8.${index + 1}/24`, "dev", "eth0");
    namespace.run("ip", "link", "set", "eth0", "up");
  }
  const networks = () =>
    reader.readNetworks([one.path, "/run/netns/berth-none", other.path, "/etc/hostname"], { signal });
  const before = await networks();
  one.run("busybox", "ping", "-c", "3", "-i", "0.1", "-s", "1000", "10.9.8.2");
  const after = await networks();
  assert.deepEqual([...after.keys()], [one.path, other.path]);
  const sent = (namespace: string, at: typeof before) => {
    const [eth0, ...others] = at.get(namespace) ?? [];
    assert.equal(eth0?.name, "eth0");
    assert.deepEqual(others, []);
    return eth0;
  };
  assert.ok(sent(one.path, after).transmit.bytes >= sent(one.path, before).transmit.bytes + 3000);
  assert.ok(sent(other.path, after).receive.packets >= sent(other.path, before).receive.packets + 3);
  // Every thread is at home again.
  const namespaces = (await readdir("/proc/self/task")).map((thread) => readlink(`/proc/self/task/${thread}/ns/net`));
  assert.deepEqual(new Set(await Promise.all(namespaces)), new Set([await readlink("/proc/self/ns/net")]));
});

test("tells the size of a file system", async (t) => {
  const reader = await openReader(t);
  const { totalBytes, totalInodes, freeInodes } = await reader.readFilesystem("/", { signal });
  assert.ok(totalBytes > 1 << 20);
  assert.ok(freeInodes <= totalInodes);
  await assert.rejects(reader.readFilesystem("/nowhere/at/all", { signal }), { code: "not-found" });
});
