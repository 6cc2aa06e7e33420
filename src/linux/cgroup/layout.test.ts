// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseMountInfo } from "../mount/mountinfo.ts";
import { cgroupLayoutOf, directoriesOfPath, directoriesOfProcess, hierarchyOf, ownCgroupPath } from "./layout.ts";

/** The place is a mount point, with the mount's root before it where that is not "/". */
const mount = (id: number, place: string, type: string, options: string) =>
  `${id} 1 0:${id} ${place.includes(" ") ? place : `/ ${place}`} rw,relatime - ${type} ${type} ${options}`;

test("knows a machine with version 2 only", () => {
  const mounts = parseMountInfo(mount(1, "/sys/fs/cgroup", "cgroup2", "rw,nsdelegate"));
  const layout = cgroupLayoutOf(mounts, "0::/system.slice/berth.service\n", "cpuset cpu io memory pids\n");
  assert.equal(layout.version, 2);
  assert.equal(layout.hybrid, false);
  assert.deepEqual(layout.controllers, ["cpuset", "cpu", "io", "memory", "pids"]);
  assert.equal(ownCgroupPath(layout), "/system.slice/berth.service");
  assert.equal(hierarchyOf(layout, "memory")?.mountPoint, "/sys/fs/cgroup");
  assert.deepEqual(directoriesOfPath(layout, "/berth/x"), { "": "/sys/fs/cgroup/berth/x" });
  assert.deepEqual(directoriesOfPath(layout, "/../../etc"), { "": "/sys/fs/cgroup/etc" });
  assert.deepEqual(directoriesOfPath(layout, "system.slice:berth:x"), {});
  assert.deepEqual(directoriesOfProcess(layout, "0::/berth/x\n"), { "": "/sys/fs/cgroup/berth/x" });
});

test("knows a hybrid machine, its joined controllers and its named hierarchy", () => {
  const mounts = parseMountInfo(
    [
      mount(1, "/sys/fs/cgroup/cpu,cpuacct", "cgroup", "rw,cpu,cpuacct"),
      mount(2, "/sys/fs/cgroup/memory", "cgroup", "rw,memory"),
      mount(3, "/sys/fs/cgroup/systemd", "cgroup", "rw,xattr,name=systemd"),
      mount(4, "/sys/fs/cgroup/unified", "cgroup2", "rw"),
      mount(2, "/elsewhere/memory", "cgroup", "rw,memory"),
    ].join("\n"),
  );
  const own = "4:memory:/a:b\n3:cpu,cpuacct:/c\n1:name=systemd:/init.scope\n0::/u\n";
  const layout = cgroupLayoutOf(mounts, own, "hugetlb\n");
  assert.deepEqual([layout.version, layout.hybrid], [1, true]);
  assert.deepEqual(layout.controllers, ["cpu", "cpuacct", "memory"]);
  assert.deepEqual(
    layout.hierarchies.map((hierarchy) => [hierarchy.mountPoint, hierarchy.ownPath]),
    [
      ["/sys/fs/cgroup/cpu,cpuacct", "/c"],
      ["/sys/fs/cgroup/memory", "/a:b"],
      ["/sys/fs/cgroup/systemd", "/init.scope"],
      ["/sys/fs/cgroup/unified", "/u"],
    ],
  );
  assert.equal(ownCgroupPath(layout), "/a:b");
  assert.deepEqual(directoriesOfProcess(layout, "9:name=systemd:/s/x\n4:memory:/m/x\n3:cpuacct,cpu:/c/x\n0::/u/x\n"), {
    "cpu,cpuacct": "/sys/fs/cgroup/cpu,cpuacct/c/x",
    memory: "/sys/fs/cgroup/memory/m/x",
    "name=systemd": "/sys/fs/cgroup/systemd/s/x",
    "": "/sys/fs/cgroup/unified/u/x",
  });
});

test("never takes the daemon's own cgroup, or one above it, for a container's", () => {
  const mounts = parseMountInfo(
    [
      mount(1, "/sys/fs/cgroup/memory", "cgroup", "rw,memory"),
      mount(2, "/sys/fs/cgroup/misc", "cgroup", "rw,misc"),
      mount(3, "/sys/fs/cgroup/unified", "cgroup2", "rw"),
    ].join("\n"),
  );
  const layout = cgroupLayoutOf(mounts, "4:memory:/system/berth\n3:misc:/\n0::/system/berth\n", "");
  // A runtime that knows neither the misc controller nor the version 2 part of a hybrid leaves init where it started.
  const init = "4:memory:/berth/x\n3:misc:/\n0::/system/berth\n";
  assert.deepEqual(directoriesOfProcess(layout, init), { memory: "/sys/fs/cgroup/memory/berth/x" });
  for (const path of ["/", "/system", "/system/berth", "/system/../system/berth/"]) {
    assert.ok(!("memory" in directoriesOfPath(layout, path)), path);
  }
  assert.deepEqual(directoriesOfPath(layout, "/system/berth/x")["memory"], "/sys/fs/cgroup/memory/system/berth/x");
});

test("knows version 1 without version 2, and a part of a hierarchy as a container sees it", () => {
  const mounts = parseMountInfo(mount(1, "/outer/x /sys/fs/cgroup/memory", "cgroup", "rw,memory"));
  const layout = cgroupLayoutOf(mounts, "4:memory:/outer/x/y\n", "");
  assert.deepEqual([layout.version, layout.hybrid], [1, false]);
  assert.equal(ownCgroupPath(layout), "/y");
  assert.deepEqual(directoriesOfProcess(layout, "4:memory:/outer/x/z\n"), { memory: "/sys/fs/cgroup/memory/z" });
});
