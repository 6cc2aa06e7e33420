// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { adoptLimits } from "./adopt-limits.ts";

void test("what was asked for stays as it was said, but for what hooks have changed", () => {
  const limits = { memoryBytes: 10, cpuShares: 2, nanoCpus: 5e8, unified: { a: "1" } };
  const built = { memory: { limit: 10 }, cpu: { shares: 2, quota: 50, period: 100 }, unified: { a: "1" } };
  assert.equal(adoptLimits(limits, { built, adjusted: structuredClone(built) }), limits);
  const adjusted = { ...built, cpu: { ...built.cpu, shares: 3, mems: "0" }, pids: { limit: 7 } };
  assert.deepEqual(adoptLimits(limits, { built, adjusted }), {
    ...limits,
    cpuShares: 3,
    cpusetMems: "0",
    pidsLimit: 7,
  });
});

void test("a share of time of a hook's takes the place of a number of processors", () => {
  const built = { cpu: { quota: 50, period: 100 } };
  const adjusted = { cpu: { quota: 20, period: 100 } };
  assert.deepEqual(adoptLimits({ nanoCpus: 5e8 }, { built, adjusted }), { cpuQuota: 20 });
});
