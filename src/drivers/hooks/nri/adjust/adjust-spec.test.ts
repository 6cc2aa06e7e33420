// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { ContainerAdjustmentSchema, LinuxSchedulerPolicy } from "../../../../gen/nri/pkg/api/v1alpha1/api_pb.js";
import type { RuntimeSpec } from "../../../../oci/runtime/spec.ts";
import { formatRuntimeSpec, parseRuntimeSpec } from "../../../../oci/runtime/spec-text.ts";
import { adjustSpec } from "./adjust-spec.ts";

const spec: RuntimeSpec = {
  ociVersion: "1.2.0",
  process: {
    user: { uid: 0, gid: 0 },
    args: ["sh"],
    env: ["PATH=/bin", "A=1=2", "EMPTY="],
    cwd: "/",
    rlimits: [
      { type: "RLIMIT_NOFILE", soft: 1, hard: 2 },
      { type: "RLIMIT_CORE", soft: 3, hard: 4 },
    ],
    ioPriority: { class: "IOPRIO_CLASS_BE", priority: 4 },
    scheduler: { policy: "SCHED_BATCH" },
  },
  root: { path: "rootfs" },
  mounts: [
    { destination: "/", type: "tmpfs" },
    { destination: "/a/b", type: "tmpfs" },
    { destination: "/a", type: "bind", source: "/x" },
  ],
  linux: {
    namespaces: [{ type: "pid" }, { type: "network", path: "/n" }],
    devices: [
      { type: "c", path: "/dev/one", major: 1, minor: 1 },
      { type: "c", path: "/dev/two", major: 1, minor: 2 },
    ],
    resources: { memory: { limit: 10, swap: 10 }, unified: { "memory.high": "1" } },
    intelRdt: { closID: "old", schemata: ["L3:0=f"] },
    rootfsPropagation: "rshared",
  },
};

function adjusted(init: MessageInitShape<typeof ContainerAdjustmentSchema>, base = spec): RuntimeSpec {
  return adjustSpec(base, create(ContainerAdjustmentSchema, init));
}

void test("an empty adjustment changes nothing", () => {
  assert.deepEqual(adjusted({}), spec);
  assert.deepEqual(adjusted({ linux: {}, hooks: {} }), { ...spec, hooks: {} });
});

void test("variables keep their places, whatever their values are", () => {
  const env = [
    { key: "A", value: "x=y" },
    { key: "NEW", value: "" },
    { key: "-EMPTY" },
    { key: "-PATH" },
    { key: "PATH", value: "/usr" },
  ];
  assert.deepEqual(adjusted({ env }).process.env, ["PATH=/usr", "A=x=y", "NEW="]);
});

void test("a limit replaces the one of its type; numbers that no double holds survive the text", () => {
  const { rlimits } = adjusted({ rlimits: [{ type: "RLIMIT_NOFILE", soft: 7n, hard: 2n ** 64n - 1n }] }).process;
  assert.deepEqual(
    rlimits?.map(({ type }) => type),
    ["RLIMIT_CORE", "RLIMIT_NOFILE"],
  );
  const text = formatRuntimeSpec({ ...spec, process: { ...spec.process, ...(rlimits && { rlimits }) } });
  assert.match(text, /"hard":18446744073709551615/);
  assert.equal(formatRuntimeSpec(parseRuntimeSpec(text)), text);
});

void test("priority and scheduler of none are taken away", () => {
  const { process } = adjusted({ linux: { ioPriority: {}, scheduler: { policy: LinuxSchedulerPolicy.SCHED_NONE } } });
  assert.equal(process.ioPriority, undefined);
  assert.equal(process.scheduler, undefined);
});

void test("mounts are replaced and removed by their destination, parents first", () => {
  const mounts = [
    { destination: "-/a/b" },
    { destination: "/a", source: "/y", options: ["rslave"] },
    { destination: "/a/c/d" },
  ];
  const result = adjusted({ mounts });
  assert.deepEqual(
    result.mounts.map(({ destination, source }) => [destination, source]),
    [
      ["/", undefined],
      ["/a", "/y"],
      ["/a/c/d", ""],
    ],
  );
  assert.equal(result.linux.rootfsPropagation, "rshared");
  const { rootfsPropagation: _, ...linux } = spec.linux;
  assert.equal(adjusted({ mounts }, { ...spec, linux }).linux.rootfsPropagation, "rslave");
});

void test("devices come with the right to use them, and go without", () => {
  const devices = [
    { path: "-/dev/one" },
    { path: "/dev/two", type: "b", major: 8n, minor: 0n, fileMode: { value: 0o600 } },
  ];
  const { linux } = adjusted({ linux: { devices } });
  assert.deepEqual(linux.devices, [{ path: "/dev/two", type: "b", major: 8, minor: 0, fileMode: 0o600 }]);
  assert.deepEqual(linux.resources?.devices, [{ allow: true, type: "b", major: 8, minor: 0, access: "rwm" }]);
});

void test("the limit of swap follows the one of memory where the engine set it", () => {
  const limited = { linux: { resources: { memory: { limit: { value: 20n } } } } };
  assert.deepEqual(adjusted(limited).linux.resources?.memory, { limit: 20, swap: 20 });
  const own = { linux: { resources: { memory: { limit: { value: 20n }, swap: { value: 30n } } } } };
  assert.deepEqual(adjusted(own).linux.resources?.memory, { limit: 20, swap: 30 });
  const bare = { ...spec, linux: { ...spec.linux, resources: {} } };
  assert.deepEqual(adjusted(limited, bare).linux.resources?.memory, { limit: 20 });
});

void test("namespaces are replaced, added and removed; files of the cgroup are set one by one", () => {
  const namespaces = [{ type: "-pid" }, { type: "network", path: "/m" }, { type: "ipc" }];
  const { linux } = adjusted({ linux: { namespaces, resources: { unified: { "cpu.idle": "1" } } } });
  assert.deepEqual(linux.namespaces, [{ type: "network", path: "/m" }, { type: "ipc" }]);
  assert.deepEqual(linux.resources?.unified, { "memory.high": "1", "cpu.idle": "1" });
});

void test("classes of RDT are set, changed and removed; those of block I/O are not known here", () => {
  const rdt = (init: MessageInitShape<typeof ContainerAdjustmentSchema>["linux"]) =>
    adjusted({ linux: init ?? {} }).linux.intelRdt;
  assert.deepEqual(rdt({ resources: { rdtClass: { value: "gold" } } }), { closID: "gold" });
  assert.equal(rdt({ resources: { rdtClass: {} } }), undefined);
  assert.deepEqual(rdt({ rdt: { enableMonitoring: { value: true } } }), {
    closID: "old",
    schemata: ["L3:0=f"],
    enableMonitoring: true,
  });
  assert.equal(rdt({ rdt: { remove: true } }), undefined);
  assert.deepEqual(rdt({ rdt: { remove: true, closId: { value: "new" } } }), { closID: "new" });
  assert.throws(() => adjusted({ linux: { resources: { blockioClass: { value: "fast" } } } }), {
    code: "failed-precondition",
    message: "no such block I/O class: fast",
  });
});
