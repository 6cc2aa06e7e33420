// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseNamespacedSysctl } from "./sysctls.ts";

test("knows the namespace and the path of a sysctl, in either notation", () => {
  const read = (name: string) => {
    const { path, namespace } = parseNamespacedSysctl(name, "1");
    return [path, namespace];
  };
  assert.deepEqual(read("net.ipv4.ip_forward"), ["net/ipv4/ip_forward", "network"]);
  assert.deepEqual(read("net/ipv4/conf/eth0.100/rp_filter"), ["net/ipv4/conf/eth0.100/rp_filter", "network"]);
  assert.deepEqual(read("net.ipv4.conf.eth0/100.rp_filter"), ["net/ipv4/conf/eth0.100/rp_filter", "network"]);
  assert.deepEqual(read("kernel.shm_rmid_forced"), ["kernel/shm_rmid_forced", "ipc"]);
  assert.deepEqual(read("fs.mqueue.msg_max"), ["fs/mqueue/msg_max", "ipc"]);
  assert.deepEqual(read("kernel.domainname"), ["kernel/domainname", "uts"]);
});

test("refuses names that reach the whole machine or leave /proc/sys", () => {
  for (const name of [
    "kernel.core_pattern",
    "vm.swappiness",
    "kernel.shmmaxx",
    "net/../kernel/core_pattern",
    "net.ipv4.//.//.kernel.x",
    "net",
    "",
    "net//x",
    "/net/ipv4/ip_forward",
    "fs.mqueue.",
    "net.ipv4.a b",
    "kernel.hostname",
  ]) {
    // biome-ignore format: a table
    assert.throws(() => parseNamespacedSysctl(name, "1"), { code: "invalid-argument" }, name);
  }
});

test("refuses values that smuggle another assignment", () => {
  for (const value of ["1+kernel.core_pattern=|/bin/sh", "a=b", "1\n2", "1\0"]) {
    assert.throws(() => parseNamespacedSysctl("kernel.shm_rmid_forced", value), /invalid value of sysctl kernel\.shm/);
  }
  assert.equal(parseNamespacedSysctl("net.ipv4.ip_local_port_range", "1024\t65000").value, "1024\t65000");
});
