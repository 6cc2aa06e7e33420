// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { hostFacts } from "../../../../core/containers/testing/spec-inputs.ts";
import * as cri from "../../../../gen/runtime/v1/api_pb.js";
import { fromResourceLimits, toOomScoreAdj, toResourceLimits } from "./resources.ts";

type Init = MessageInitShape<typeof cri.LinuxContainerResourcesSchema>;

const host = hostFacts();
const resources = (init: Init) => create(cri.LinuxContainerResourcesSchema, init);
const limits = (init: Init) => toResourceLimits(resources(init), host);

const converted: readonly [init: Init, limits: object][] = [
  [{}, {}],
  [
    { cpuPeriod: 100000n, cpuQuota: 50000n, cpuShares: 512n },
    { cpuPeriod: 100000, cpuQuota: 50000, cpuShares: 512 },
  ],
  [{ cpuQuota: -1n }, { cpuQuota: -1 }],
  [
    { cpusetCpus: "0-1", cpusetMems: "0" },
    { cpusetCpus: "0-1", cpusetMems: "0" },
  ],
  [{ memoryLimitInBytes: 1048576n }, { memoryBytes: 1048576, memorySwapBytes: 1048576 }],
  [
    { memoryLimitInBytes: 1048576n, memorySwapLimitInBytes: 2097152n },
    { memoryBytes: 1048576, memorySwapBytes: 2097152 },
  ],
  [
    { memoryLimitInBytes: 1048576n, memorySwapLimitInBytes: -1n },
    { memoryBytes: 1048576, memorySwapBytes: -1 },
  ],
  [{ memorySwapLimitInBytes: 2097152n }, { memorySwapBytes: 2097152 }],
  [{ hugepageLimits: [{ pageSize: "2MB", limit: 0n }] }, { hugepageLimits: [{ pageSize: "2MB", limitBytes: 0 }] }],
  [{ unified: { "memory.high": "1" } }, { unified: { "memory.high": "1" } }],
];
for (const [init, expected] of converted) {
  test(`limits of ${JSON.stringify(expected)}`, () => assert.deepEqual(limits(init), expected));
}

test("a kernel that does not account for swap limits memory alone", () => {
  const without = hostFacts({ cgroup: { ...host.cgroup, swapLimit: false } });
  const asked = resources({ memoryLimitInBytes: 1048576n, memorySwapLimitInBytes: 1048576n });
  assert.deepEqual(toResourceLimits(asked, without), { memoryBytes: 1048576 });
  assert.deepEqual(toResourceLimits(undefined, without), {});
});

test("the rank among the out-of-memory killer's victims", () => {
  assert.equal(toOomScoreAdj(undefined), undefined);
  assert.equal(toOomScoreAdj(resources({})), undefined);
  assert.equal(toOomScoreAdj(resources({ oomScoreAdj: -997n })), -997);
  assert.throws(() => toOomScoreAdj(resources({ oomScoreAdj: 1001n })), { code: "invalid-argument" });
});

test("numbers that no limit can be are refused", () => {
  assert.throws(() => limits({ memoryLimitInBytes: -1n }), { message: "invalid memory limit: -1" });
  assert.throws(() => limits({ cpuShares: 2n ** 60n }), { code: "invalid-argument" });
});

test("a status says what was asked", () => {
  const asked = resources({
    cpuPeriod: 100000n,
    cpuQuota: -1n,
    cpuShares: 2n,
    memoryLimitInBytes: 1048576n,
    memorySwapLimitInBytes: 1048576n,
    oomScoreAdj: 1000n,
    cpusetCpus: "0",
    cpusetMems: "0",
    hugepageLimits: [{ pageSize: "2MB", limit: 2097152n }],
    unified: { "memory.high": "1" },
  });
  assert.deepEqual(resources(fromResourceLimits(toResourceLimits(asked, host), toOomScoreAdj(asked))), asked);
  assert.deepEqual(resources(fromResourceLimits({})), resources({}));
});
