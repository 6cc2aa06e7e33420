// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import type { RuntimeSpec } from "../runtime/spec.ts";
import { applyEdits, type CompleteEdits } from "./apply-edits.ts";

const nothing: CompleteEdits = {
  environment: [],
  deviceNodes: [],
  netDevices: [],
  mounts: [],
  hooks: [],
  additionalGids: [],
};

const spec: RuntimeSpec = {
  ociVersion: "1.2.0",
  process: { user: { uid: 0, gid: 0, additionalGids: [0] }, args: ["a"], env: ["A=1", "B=2"], cwd: "/" },
  root: { path: "/r" },
  mounts: [
    { destination: "/proc", type: "proc" },
    { destination: "/a/b/c", type: "tmpfs" },
    { destination: "/lib", type: "bind", source: "/old" },
  ],
  linux: {
    namespaces: [{ type: "mount" }],
    devices: [{ type: "c", path: "/dev/old" }],
    resources: { pids: { limit: 5 }, devices: [{ allow: false, access: "rwm" }] },
  },
};

const edit = (edits: Partial<CompleteEdits>, before = spec) => applyEdits(before, { ...nothing, ...edits });

test("nothing changes nothing", () => assert.deepEqual(edit({}), spec));

test("variables replace those of their name, groups are added but for root's", () => {
  const { process } = edit({ environment: ["B=3", "C=4"], additionalGids: [44, 0, 44] });
  assert.deepEqual(process.env, ["A=1", "B=3", "C=4"]);
  assert.deepEqual(process.user.additionalGids, [0, 44]);
});

test("device files replace those at their place and may be used", () => {
  const { linux } = edit({
    deviceNodes: [
      { path: "/dev/old", type: "c", major: 1, minor: 3, fileMode: 0o600 },
      { path: "/dev/b", type: "b", major: 8, minor: 0, permissions: "r", uid: 5, gid: 6 },
      { path: "/dev/none", type: "c", major: 9, minor: 9, permissions: "none" },
      { path: "/dev/pipe", type: "p" },
    ],
  });
  assert.deepEqual(linux.devices, [
    { type: "c", path: "/dev/old", major: 1, minor: 3, fileMode: 0o600 },
    { type: "b", path: "/dev/b", major: 8, minor: 0, uid: 5, gid: 6 },
    { type: "c", path: "/dev/none", major: 9, minor: 9 },
    { type: "p", path: "/dev/pipe" },
  ]);
  assert.deepEqual(linux.resources, {
    pids: { limit: 5 },
    devices: [
      { allow: false, access: "rwm" },
      { allow: true, type: "c", major: 1, minor: 3, access: "rwm" },
      { allow: true, type: "b", major: 8, minor: 0, access: "r" },
    ],
  });
});

test("a device file that has no owner belongs to the user of the process", () => {
  const before = { ...spec, process: { ...spec.process, user: { uid: 1000, gid: 100 } } };
  const [device] = edit(
    { deviceNodes: [{ path: "/dev/x", type: "c", major: 1, minor: 3 }] },
    before,
  ).linux.devices!.slice(1);
  assert.deepEqual([device?.uid, device?.gid], [1000, 100]);
});

test("mounts replace those at their place, shallow ones first; none of a type is a bind", () => {
  const { mounts } = edit({
    mounts: [
      { hostPath: "/new", containerPath: "/lib/", options: ["ro"] },
      { hostPath: "tmpfs", containerPath: "/x", type: "tmpfs", options: [] },
    ],
  });
  assert.deepEqual(mounts, [
    { destination: "/proc", type: "proc" },
    { destination: "/lib/", source: "/new", type: "bind", options: ["rbind", "ro"] },
    { destination: "/x", source: "tmpfs", type: "tmpfs", options: [] },
    { destination: "/a/b/c", type: "tmpfs" },
  ]);
});

test("binds into a user namespace keep their owners there", () => {
  const before: RuntimeSpec = { ...spec, linux: { ...spec.linux, namespaces: [{ type: "user", path: "/u" }] } };
  const optionsOf = (options: readonly string[], type?: string) =>
    edit(
      { mounts: [{ hostPath: "/a", containerPath: "/b", options, ...(type !== undefined && { type }) }] },
      before,
    ).mounts.find(({ destination }) => destination === "/b")?.options;
  assert.deepEqual(optionsOf(["bind"]), ["bind", "idmap"]);
  assert.deepEqual(optionsOf([]), ["rbind", "ridmap"]);
  assert.deepEqual(optionsOf([], "bind"), ["idmap"]);
  assert.deepEqual(optionsOf(["bind", "ridmap"]), ["bind", "ridmap"]);
  assert.deepEqual(optionsOf(["ro"], "tmpfs"), ["ro"]);
});

test("hooks go behind those of their stage", () => {
  const before = { ...spec, hooks: { poststop: [{ path: "/first" }] } };
  const { hooks } = edit(
    {
      hooks: [
        { stage: "poststop", path: "/second", timeout: 3 },
        { stage: "createRuntime", path: "/third" },
      ],
    },
    before,
  );
  assert.deepEqual(hooks, {
    poststop: [{ path: "/first" }, { path: "/second", timeout: 3 }],
    createRuntime: [{ path: "/third" }],
  });
});

test("cache shares and network interfaces, the latter where the runtime knows of them", () => {
  assert.deepEqual(edit({ intelRdt: { closID: "gold" } }).linux.intelRdt, { closID: "gold" });
  const netDevices = [{ hostInterfaceName: "eth9", name: "net0" }];
  assert.throws(() => edit({ netDevices }), { code: "failed-precondition", message: /1\.3 is needed/ });
  const { linux } = edit({ netDevices }, { ...spec, ociVersion: "1.3.0" });
  assert.deepEqual(linux.netDevices, { eth9: { name: "net0" } });
});
