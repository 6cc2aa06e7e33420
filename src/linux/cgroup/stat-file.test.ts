// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseMountInfo } from "../mount/mountinfo.ts";
import { parseBlkio, parseIoStat } from "./device-traffic.ts";
import { cgroupLayoutOf } from "./layout.ts";
import { parsePressure } from "./pressure.ts";
import { directoriesOfParent } from "./slice.ts";
import { parseCounts } from "./stat-file.ts";

test("reads counts by their names", () => {
  assert.deepEqual([...parseCounts("a 1\nlong_name 9007199254740991\n\n")], [["a", 1], ["long_name", 2 ** 53 - 1]]); // biome-ignore format: pairs
});

test("reads pressure, also of kernels without a full line", () => {
  const some = { totalMicroseconds: 42, average10: 1.5, average60: 0.25, average300: 100 };
  assert.deepEqual(parsePressure("some avg10=1.50 avg60=0.25 avg300=100.00 total=42\n"), { some });
  assert.deepEqual(parsePressure(""), {});
});

test("adds up the traffic of devices, and takes no total for a device", () => {
  assert.deepEqual(parseIoStat("8:16 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n(unknown) rbytes=1\n"), [
    { major: 8, minor: 16, readBytes: 1, writtenBytes: 2, reads: 3, writes: 4 },
  ]);
  assert.deepEqual(parseBlkio("8:0 Read 10\n8:0 Total 10\nTotal 10\n", "8:0 Read 2\n8:0 Write 3\nTotal 5\n"), [
    { major: 8, minor: 0, readBytes: 10, writtenBytes: 0, reads: 2, writes: 3 },
  ]);
  assert.deepEqual(parseBlkio("Total 0\n", "Total 0\n"), []);
});

test("finds a cgroup parent by its path and by the name of its slice", () => {
  const mounts = parseMountInfo("1 1 0:1 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw");
  const layout = cgroupLayoutOf(mounts, "0::/system.slice/berth.service\n", "memory");
  const find = (parent: string) => directoriesOfParent(layout, parent)[""];
  assert.equal(find("/kubepods/pod1"), "/sys/fs/cgroup/kubepods/pod1");
  assert.equal(find("kubepods/pod1"), "/sys/fs/cgroup/kubepods/pod1");
  assert.equal(
    find("kubepods-burstable-pod1_2.slice"),
    "/sys/fs/cgroup/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice",
  );
  assert.equal(find("/own/x.slice"), "/sys/fs/cgroup/own/x.slice");
});
