// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { ContainerAdjustmentSchema } from "../../../../gen/nri/pkg/api/v1alpha1/api_pb.js";
import { claimAdjustment } from "./claim.ts";
import { mergeAdjustments } from "./merge.ts";
import { Ownership } from "./ownership.ts";

type Adjustment = MessageInitShape<typeof ContainerAdjustmentSchema>;

/** Claims these for the plugins a, b and so on. */
function claimAll(...adjustments: readonly Adjustment[]): Ownership {
  const ownership = new Ownership();
  for (const [index, init] of adjustments.entries()) {
    const plugin = String.fromCharCode("a".charCodeAt(0) + index);
    claimAdjustment({ ownership, containerId: "c", plugin }, create(ContainerAdjustmentSchema, init));
  }
  return ownership;
}

const clashes: Readonly<Record<string, Adjustment>> = {
  "Annotations k": { annotations: { k: "v" } },
  "Mounts /m": { mounts: [{ destination: "/m" }] },
  "Env E": { env: [{ key: "E" }] },
  Args: { args: ["x"] },
  "Rlimits R": { rlimits: [{ type: "R" }] },
  "CdiDevices d": { CDIDevices: [{ name: "d" }] },
  "Devices /d": { linux: { devices: [{ path: "/d" }] } },
  "Namespace pid": { linux: { namespaces: [{ type: "pid" }] } },
  "Sysctl s": { linux: { sysctl: { s: "1" } } },
  "LinuxNetDevices eth0": { linux: { netDevices: { eth0: {} } } },
  CgroupsPath: { linux: { cgroupsPath: "/p" } },
  OomScoreAdj: { linux: { oomScoreAdj: { value: 1n } } },
  IoPriority: { linux: { ioPriority: {} } },
  SeccompPolicy: { linux: { seccompPolicy: {} } },
  LinuxSched: { linux: { scheduler: {} } },
  MemoryPolicy: { linux: { memoryPolicy: {} } },
  RdtClosID: { linux: { rdt: { closId: {} } } },
  MemLimit: { linux: { resources: { memory: { limit: {} } } } },
  CPUSetCPUs: { linux: { resources: { cpu: { cpus: "0" } } } },
  PidsLimit: { linux: { resources: { pids: {} } } },
  "HugepageLimits 2MB": { linux: { resources: { hugepageLimits: [{ pageSize: "2MB" }] } } },
  "CgroupsUnified f": { linux: { resources: { unified: { f: "1" } } } },
  BlockioClass: { linux: { resources: { blockioClass: {} } } },
  RdtClass: { linux: { resources: { rdtClass: {} } } },
};

for (const [what, adjustment] of Object.entries(clashes)) {
  void test(`two plugins cannot set the same: ${what}`, () => {
    claimAll(adjustment);
    assert.throws(() => claimAll(adjustment, adjustment), {
      code: "conflict",
      message: `plugins b and a both tried to set ${what}`,
    });
  });
}

void test("what a plugin takes away first it may set, and after it nobody may", () => {
  const first = { annotations: { k: "1" }, mounts: [{ destination: "/m" }], args: ["x"] };
  const instead = {
    annotations: { "-k": "", k: "2" },
    mounts: [{ destination: "-/m" }, { destination: "/m" }],
    args: ["", "y"],
  };
  claimAll(first, instead);
  assert.throws(() => claimAll(first, instead, { annotations: { k: "3" } }), /plugins c and b/);
  assert.throws(() => claimAll(first, { annotations: { "-k": "" } }, { annotations: { k: "3" } }), /plugins c and b/);
});

void test("what nobody has set may be removed by many, and set afterwards", () => {
  claimAll({ env: [{ key: "-E" }] }, { env: [{ key: "-E" }] }, { env: [{ key: "E" }] });
});

void test("different keys and hooks get on with each other, and owners can be told", () => {
  const hooks = { poststop: [{ path: "/x" }] };
  const ownership = claimAll({ env: [{ key: "A" }], hooks }, { env: [{ key: "B" }], hooks });
  assert.deepEqual(ownership.toNri(), {
    owners: { c: { simple: { 3: "a,b" }, compound: { 6: { owners: { A: "a", B: "b" } } } } },
  });
});

void test("adjustments of several plugins are one: the later says more, removals stay in it", () => {
  const merged = mergeAdjustments(
    create(ContainerAdjustmentSchema, {
      annotations: { k: "1", other: "x" },
      env: [{ key: "E", value: "1" }],
      args: ["a"],
      linux: { resources: { cpu: { cpus: "0", shares: { value: 1n } } }, oomScoreAdj: { value: 3n } },
    }),
    create(ContainerAdjustmentSchema, {
      annotations: { "-k": "" },
      env: [{ key: "-E" }, { key: "E", value: "2" }],
      linux: { resources: { cpu: { shares: { value: 0n } }, pids: { limit: 4n } }, cgroupsPath: "/p" },
    }),
  );
  const expected = create(ContainerAdjustmentSchema, {
    annotations: { other: "x", "-k": "" },
    env: [{ key: "-E" }, { key: "E", value: "2" }],
    args: ["a"],
    hooks: {},
    linux: {
      resources: { cpu: { cpus: "0", shares: { value: 0n } }, pids: { limit: 4n } },
      oomScoreAdj: { value: 3n },
      cgroupsPath: "/p",
    },
  });
  assert.deepEqual(JSON.parse(jsonOf(merged)), JSON.parse(jsonOf(expected)));
});

function jsonOf(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) => (typeof member === "bigint" ? `${member}` : member));
}
