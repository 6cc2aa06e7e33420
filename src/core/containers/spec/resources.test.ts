// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { unlimitedRlimit } from "../../../oci/runtime/spec.ts";
import type { ResourceLimits } from "../container-config.ts";
import { containerConfig, hostFacts } from "../testing/spec-inputs.ts";
import { checkContainerConfig } from "./check-config.ts";
import { clampOomScore, resolveOomScore } from "./oom-score.ts";
import { buildResources } from "./resources.ts";
import { buildRlimits } from "./rlimits.ts";

const mega = 1024 ** 2;
const v2 = hostFacts();
const v1 = hostFacts({
  cgroup: { version: 1, hybrid: true, controllers: ["memory", "cpu", "cpuset", "pids", "blkio"], ownPath: "/" },
});

const built: readonly [limits: ResourceLimits, expected: object][] = [
  [{}, {}],
  [{ memoryBytes: 6 * mega }, { memory: { limit: 6 * mega, swap: 12 * mega } }],
  [{ memoryBytes: 8 * mega, memorySwapBytes: -1 }, { memory: { limit: 8 * mega, swap: -1 } }],
  [{ memoryBytes: 8 * mega, memorySwapBytes: 8 * mega }, { memory: { limit: 8 * mega, swap: 8 * mega } }],
  [{ memoryReservationBytes: 8 * mega }, { memory: { reservation: 8 * mega } }],
  [{ nanoCpus: 1.5e9 }, { cpu: { quota: 150_000, period: 100_000 } }],
  [{ cpuPeriod: 50_000, cpuQuota: 25_000 }, { cpu: { period: 50_000, quota: 25_000 } }],
  [{ cpuShares: 1 }, { cpu: { shares: 2 } }],
  [{ cpusetCpus: "0-1,3", cpusetMems: "0" }, { cpu: { cpus: "0-1,3", mems: "0" } }],
  [{ pidsLimit: 10 }, { pids: { limit: 10 } }],
  [{ pidsLimit: 0 }, { pids: { limit: -1 } }],
  [{ blkioWeight: 500 }, { blockIO: { weight: 500 } }],
];
for (const [limits, expected] of built) {
  test(`limits ${JSON.stringify(limits)}`, () => {
    assert.deepEqual(buildResources(limits, v2), expected);
    assert.deepEqual(buildResources(limits, v1), expected);
  });
}

test("a user's least memory is 6 MiB; a kubelet may give less", () => {
  const check = (resources: ResourceLimits, networkMode: string) =>
    checkContainerConfig(containerConfig({ networkMode, resources }), v2);
  assert.throws(() => check({ memoryBytes: mega }, "bridge"), { message: "Minimum memory limit allowed is 6MB" });
  assert.throws(() => check({ memoryReservationBytes: mega }, "bridge"), {
    message: "Minimum memory reservation allowed is 6MB",
  });
  assert.deepEqual(check({ memoryBytes: mega }, "pod"), []);
  assert.deepEqual(buildResources({ memoryBytes: mega }, v2), { memory: { limit: mega, swap: 2 * mega } });
});

const refused: readonly [limits: ResourceLimits, message: string][] = [
  [
    { memoryBytes: 8 * mega, memorySwapBytes: 7 * mega },
    "Minimum memoryswap limit should be larger than memory limit, see usage",
  ],
  [{ memorySwapBytes: 8 * mega }, "You should always set the Memory limit when using Memoryswap limit, see usage"],
  [
    { memoryBytes: 8 * mega, memoryReservationBytes: 9 * mega },
    "Minimum memory limit can not be less than memory reservation limit, see usage",
  ],
  [{ memorySwappiness: 101 }, "Invalid value: 101, valid memory swappiness range is 0-100"],
  [{ nanoCpus: 4.5e9 }, "range of CPUs is from 0.01 to 4.00, as there are only 4 CPUs available"],
  [{ nanoCpus: 1 }, "range of CPUs is from 0.01 to 4.00, as there are only 4 CPUs available"],
  [{ nanoCpus: 1e9, cpuPeriod: 1000 }, "Conflicting options: Nano CPUs and CPU Period cannot both be set."],
  [{ nanoCpus: 1e9, cpuQuota: 1000 }, "Conflicting options: Nano CPUs and CPU Quota cannot both be set."],
  [{ cpuPeriod: 10 }, "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)"],
  [{ cpuQuota: 10 }, "CPU cfs quota can not be less than 1ms (i.e. 1000)"],
  [{ cpusetCpus: "a" }, "invalid value a for cpuset cpus"],
  [{ cpusetCpus: "3-1" }, "invalid value 3-1 for cpuset cpus"],
  [{ cpusetCpus: "0-9" }, "Requested CPUs are not available - requested 0-9, available: 0-3"],
  [{ blkioWeight: 5 }, "Range of blkio weight is from 10 to 1000"],
];
for (const [limits, message] of refused) {
  test(`limits ${JSON.stringify(limits)} are refused`, () => {
    assert.throws(() => buildResources(limits, v2), { code: "invalid-argument", message });
  });
}

test("what this cgroup version does not have is an error only when asked for", () => {
  const precondition = { code: "failed-precondition" };
  assert.throws(() => buildResources({ memorySwappiness: 10 }, v2), precondition);
  assert.throws(() => buildResources({ oomKillDisable: true }, v2), precondition);
  assert.throws(() => buildResources({ unified: { "memory.high": "1" } }, v1), precondition);
  assert.deepEqual(buildResources({ memorySwappiness: 10, oomKillDisable: true }, v1), {
    memory: { swappiness: 10, disableOOMKiller: true },
  });
  assert.deepEqual(buildResources({ oomKillDisable: false, unified: {} }, v1), {});
});

test("a host without swap accounting limits memory alone, and refuses an explicit swap limit", () => {
  const host = hostFacts({ cgroup: { ...v2.cgroup, swapLimit: false } });
  assert.deepEqual(buildResources({ memoryBytes: 8 * mega }, host), { memory: { limit: 8 * mega } });
  assert.throws(() => buildResources({ memoryBytes: 8 * mega, memorySwapBytes: 9 * mega }, host), {
    code: "failed-precondition",
  });
});

test("a host without a controller refuses its limits", () => {
  const host = hostFacts({ cgroup: { ...v2.cgroup, controllers: [] } });
  for (const limits of [
    { memoryBytes: 8 * mega },
    { nanoCpus: 1e9 },
    { cpusetCpus: "0" },
    { pidsLimit: 5 },
    { blkioWeight: 50 },
  ]) {
    assert.throws(() => buildResources(limits, host), { code: "failed-precondition" }, JSON.stringify(limits));
  }
});

const bound = hostFacts({ raiseRlimits: false, rlimits: { RLIMIT_NOFILE: { soft: 1000, hard: 2000 } } });

test("the default limit of open files is cut to what the daemon may give", () => {
  assert.deepEqual(buildRlimits([], v2), [{ type: "RLIMIT_NOFILE", soft: 1024, hard: 524_288 }]);
  assert.deepEqual(buildRlimits([], bound), [{ type: "RLIMIT_NOFILE", soft: 1024, hard: 2000 }]);
});

test("an asked limit is given as it is or refused", () => {
  const nofile = (soft: number, hard: number) => [{ name: "nofile", soft, hard }];
  assert.deepEqual(buildRlimits(nofile(5, 2000), bound), [{ type: "RLIMIT_NOFILE", soft: 5, hard: 2000 }]);
  assert.throws(() => buildRlimits(nofile(5, 2001), bound), {
    code: "failed-precondition",
    message: "cannot set ulimit nofile to 2001: the daemon's own hard limit is 2000 and it may not raise it",
  });
  assert.throws(() => buildRlimits(nofile(5, -1), bound), { code: "failed-precondition" });
  assert.throws(() => buildRlimits([{ name: "files", soft: 1, hard: 1 }], bound), { code: "invalid-argument" });
});

test("no limit is written as the 64-bit number that the kernel means", () => {
  const limits = buildRlimits([{ name: "core", soft: -1, hard: -1 }], bound);
  assert.equal(limits[1]?.hard, unlimitedRlimit);
  assert.match(JSON.stringify(limits), /"hard":18446744073709551615/);
});

test("the OOM score is 0 or the lowest that can be given, and never another one than asked", () => {
  assert.equal(resolveOomScore(undefined, -1000), 0);
  assert.equal(resolveOomScore(undefined, 300), 300);
  assert.equal(resolveOomScore(-500, -1000), -500);
  assert.throws(() => resolveOomScore(-1, 0), { code: "failed-precondition" });
  assert.throws(() => resolveOomScore(1001, 0), { code: "invalid-argument" });
});

test("the rank that a kubelet gives is raised to what the daemon may give, never refused", () => {
  assert.deepEqual(
    [clampOomScore(-997, -1000), clampOomScore(-997, 100), clampOomScore(undefined, 100)],
    [-997, 100, 100],
  );
  assert.equal(clampOomScore(1000, 100), 1000);
  assert.throws(() => clampOomScore(1001, 0), { code: "invalid-argument" });
});

test("limits of huge pages; a kubelet's zeros say nothing on a host that cannot limit them", () => {
  const able = hostFacts({ cgroup: { ...v2.cgroup, controllers: ["hugetlb"] } });
  const zeros = [
    { pageSize: "2MB", limitBytes: 0 },
    { pageSize: "1GB", limitBytes: 0 },
  ];
  assert.deepEqual(buildResources({ hugepageLimits: zeros }, able), {
    hugepageLimits: [
      { pageSize: "2MB", limit: 0 },
      { pageSize: "1GB", limit: 0 },
    ],
  });
  assert.deepEqual(buildResources({ hugepageLimits: zeros }, v2), {});
  assert.throws(() => buildResources({ hugepageLimits: [{ pageSize: "2MB", limitBytes: 4 * mega }] }, v2), {
    code: "failed-precondition",
    message: "cannot limit huge pages of 2MB: this host has no hugetlb cgroup controller",
  });
  assert.throws(() => buildResources({ hugepageLimits: [{ pageSize: "../x", limitBytes: 0 }] }, able), {
    message: "invalid huge page size: ../x",
  });
});
