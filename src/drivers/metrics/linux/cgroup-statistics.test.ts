// SPDX-License-Identifier: Apache-2.0
// testdata/version1 was read from a cgroup of Linux 6.18 (hybrid) with memory, swap, CPU and process limits, its blkio
// texts and testdata/version2 are written as the kernel's documentation has them.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import type { DeviceStatistics } from "../../../core/metrics/statistics.ts";
import { readVersion1 } from "./cgroup-v1.ts";
import { readVersion2 } from "./cgroup-v2.ts";

const testdata = path.join(import.meta.dirname, "testdata");
const version1 = Object.fromEntries(
  ["cpu", "cpuacct", "memory", "pids", "blkio"].map((name) => [name, path.join(testdata, "version1", name)]),
);

/** What a device is called depends on the machine. */
function withoutName(statistics: DeviceStatistics): Omit<DeviceStatistics, "device"> {
  const { device: _, ...counts } = statistics;
  return counts;
}

test("reads version 1 and the pressure of a hybrid machine", () => {
  const before = Date.now();
  const statistics = readVersion1({ ...version1, "": path.join(testdata, "version1/unified") }, "full");
  assert.ok(statistics);
  const { readAt, devices, ...rest } = statistics;
  assert.ok(readAt >= before && readAt <= Date.now());
  assert.deepEqual(devices?.map(withoutName), [
    { major: 254, minor: 0, readBytes: 9437184, writtenBytes: 8392704, reads: 12, writes: 8 },
  ]);
  const stall = { totalMicroseconds: 571955, average10: 5.07, average60: 0.91, average300: 0.19 };
  const noStall = { totalMicroseconds: 0, average10: 0, average60: 0, average300: 0 };
  assert.deepEqual(rest, {
    cpu: {
      usageNanoseconds: 259450427n,
      userNanoseconds: 259961512n,
      systemNanoseconds: 12000000n,
      throttling: { periods: 15, throttledPeriods: 13, throttledNanoseconds: 874675106n },
    },
    memory: {
      usageBytes: 8777728,
      workingSetBytes: 8777728 - 8478720,
      rssBytes: 114688,
      cacheBytes: 8478720,
      mappedFileBytes: 0,
      activeFileBytes: 0,
      inactiveFileBytes: 8478720,
      pageFaults: { all: 1091, major: 1 },
      totalPageFaults: { all: 1091, major: 1 },
      limitBytes: 32 << 20,
      swapBytes: 0,
      swapLimitBytes: 16 << 20,
      kernelBytes: 122880,
      peakBytes: 10035200,
      limitHits: 0,
      oomKills: 0,
    },
    pids: { current: 2, limit: 100 },
    pressure: {
      cpu: { some: stall, full: stall },
      memory: { some: noStall, full: noStall },
      io: {
        some: { ...noStall, totalMicroseconds: 10749 },
        full: { ...noStall, totalMicroseconds: 10749 },
      },
    },
  });
});

test("reads version 2", () => {
  const statistics = readVersion2(path.join(testdata, "version2"), "full");
  assert.ok(statistics);
  const { readAt: _, pressure, devices, ...rest } = statistics;
  assert.equal(pressure.cpu?.full?.totalMicroseconds, 201477);
  assert.equal(pressure.memory?.some?.totalMicroseconds, 16);
  assert.equal(pressure.io?.some?.average60, 0.12);
  assert.deepEqual(devices?.map(withoutName), [
    { major: 254, minor: 0, readBytes: 9437184, writtenBytes: 8392704, reads: 12, writes: 8 },
    { major: 7, minor: 0, readBytes: 0, writtenBytes: 0, reads: 0, writes: 0 },
  ]);
  assert.deepEqual(rest, {
    cpu: {
      usageNanoseconds: 571955000n,
      userNanoseconds: 402113000n,
      systemNanoseconds: 169842000n,
      throttling: { periods: 15, throttledPeriods: 13, throttledNanoseconds: 874675000n },
    },
    memory: {
      usageBytes: 18345984,
      workingSetBytes: 18345984 - 5332992,
      rssBytes: 6291456,
      cacheBytes: 8478720,
      mappedFileBytes: 4173824,
      activeFileBytes: 3145728,
      inactiveFileBytes: 5332992,
      pageFaults: { all: 10915, major: 17 },
      totalPageFaults: { all: 10915, major: 17 },
      limitBytes: 32 << 20,
      swapBytes: 4096,
      swapLimitBytes: 16 << 20,
      kernelBytes: 1146880,
      peakBytes: 24 << 20,
      limitHits: 7,
      oomKills: 1,
    },
    pids: { current: 3 },
  });
});

test("the usual statistics are the same without the details", () => {
  const usage = readVersion2(path.join(testdata, "version2"), "usage");
  assert.deepEqual(usage?.cpu, { usageNanoseconds: 571955000n });
  assert.equal(usage?.memory?.workingSetBytes, 18345984 - 5332992);
  assert.equal(usage?.memory?.peakBytes, undefined);
  assert.equal(usage?.devices, undefined);
  assert.equal(readVersion1(version1, "usage")?.memory?.limitBytes, 32 << 20);
});

test("a limit that is none is not told, and controllers that are off are left out", async (t) => {
  const directory = await mkdtemp(path.join(tmpdir(), "berth-cgroup-files-"));
  t.after(() => rm(directory, { recursive: true }));
  const write = (files: Readonly<Record<string, string>>) =>
    Promise.all(Object.entries(files).map(([name, text]) => writeFile(path.join(directory, name), text)));
  await write({
    "memory.stat": "cache 1\ntotal_inactive_file 99999\n",
    "memory.usage_in_bytes": "4096\n",
    "memory.limit_in_bytes": "9223372036854771712\n",
  });
  const { memory, ...rest } = readVersion1({ memory: directory }, "full") ?? {};
  assert.deepEqual([memory?.limitBytes, memory?.swapBytes, memory?.swapLimitBytes], [undefined, undefined, undefined]);
  assert.equal(memory?.workingSetBytes, 0);
  assert.deepEqual(Object.keys(rest).sort(), ["pressure", "readAt"]);

  await write({ "cpu.stat": "usage_usec 7\n", "memory.current": "1\n", "memory.max": "max\n" });
  const unlimited = readVersion2(directory, "full");
  assert.equal(unlimited?.memory?.limitBytes, undefined);
  assert.equal(unlimited?.cpu?.throttling, undefined);
  assert.equal(unlimited?.pids, undefined);
});

test("older kernels tell the parts of kernel memory", async (t) => {
  const directory = await mkdtemp(path.join(tmpdir(), "berth-cgroup-files-"));
  t.after(() => rm(directory, { recursive: true }));
  await writeFile(path.join(directory, "cpu.stat"), "usage_usec 7\n");
  await writeFile(path.join(directory, "memory.current"), "1\n");
  await writeFile(path.join(directory, "memory.stat"), "kernel_stack 16\npagetables 32\nslab 64\n");
  assert.equal(readVersion2(directory, "full")?.memory?.kernelBytes, 112);
});

test("there is nothing to tell of a cgroup that is gone", () => {
  const gone = path.join(testdata, "gone");
  assert.equal(readVersion1({ memory: gone, cpuacct: gone, pids: gone }, "full"), undefined);
  assert.equal(readVersion1({}, "usage"), undefined);
  assert.equal(readVersion2(gone, "full"), undefined);
});
