// SPDX-License-Identifier: Apache-2.0
// The NRI driver and what plugins ask for: adjustments of new containers, updates of others, and who may say no.

import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { after, describe, test } from "node:test";
import { ModelEngine, signal } from "./model-engine.ts";
import { type Behaviour, buildPlugin, type Json, NriPlugin, noGo } from "./nri-plugin.ts";

/** One adjustment of everything, in protobuf's JSON. */
const everything: Json = {
  annotations: { added: "1", "-keep": "" },
  mounts: [
    { destination: "-/data" },
    { destination: "/data/deep", type: "bind", source: "/a", options: ["rbind", "rslave"] },
    { destination: "/opt", type: "bind", source: "/b", options: ["ro"] },
  ],
  env: [{ key: "A", value: "2" }, { key: "B", value: "3" }, { key: "-PATH" }],
  args: ["true", "now"],
  hooks: { createRuntime: [{ path: "/bin/hook", args: ["hook"], env: ["X=1"], timeout: { value: "5" } }] },
  rlimits: [{ type: "RLIMIT_NOFILE", hard: "18446744073709551615", soft: "1024" }],
  CDIDevices: [{ name: "vendor.com/gpu=0" }],
  linux: {
    devices: [{ path: "/dev/x", type: "c", major: "1", minor: "3", fileMode: { value: 438 }, uid: { value: 7 } }],
    resources: {
      memory: { limit: { value: "2000" }, reservation: { value: "500" } },
      cpu: { quota: { value: "10000" }, cpus: "0", mems: "0" },
      hugepageLimits: [{ pageSize: "2MB", limit: "4" }],
      unified: { "memory.high": "1500" },
      pids: { limit: "64" },
      rdtClass: { value: "gold" },
    },
    cgroupsPath: "/elsewhere",
    oomScoreAdj: { value: "-5" },
    ioPriority: { class: "IOPRIO_CLASS_BE", priority: 4 },
    scheduler: { policy: "SCHED_BATCH", nice: 3, flags: ["SCHED_FLAG_RECLAIM"] },
    seccompPolicy: {
      defaultAction: "SCMP_ACT_ERRNO",
      defaultErrno: { value: 38 },
      architectures: ["SCMP_ARCH_X86_64"],
      syscalls: [
        { names: ["clone"], action: "SCMP_ACT_ALLOW", args: [{ value: "18446744073709551615", op: "SCMP_CMP_EQ" }] },
      ],
    },
    namespaces: [{ type: "-network" }, { type: "cgroup" }],
    sysctl: { "net.ipv4.ip_forward": "1" },
    netDevices: { eth7: { name: "inside0" } },
    memoryPolicy: { mode: "MPOL_BIND", nodes: "0", flags: ["MPOL_F_STATIC_NODES"] },
  },
};

void describe("NRI driver: adjustments and updates", { skip: noGo }, () => {
  const { file, directory } = noGo === false ? buildPlugin() : { file: "", directory: "" };
  after(() => rmSync(directory, { recursive: true, force: true }));

  const join = async (
    engine: ModelEngine,
    index: string,
    behaviours: Readonly<Record<string, Behaviour>>,
    events = "all",
  ) => await NriPlugin.join({ file, socket: engine.socket, name: `p${index}`, index, events, behaviours });

  void test("all that an adjustment can say becomes part of the specification", async () => {
    await using engine = await ModelEngine.open();
    await engine.runPod("pod");
    await using _plugin = await join(engine, "01", { CreateContainer: { adjust: everything } });
    const { spec, cdiDevices } = await engine.create("pod", "c");
    assert.deepEqual(cdiDevices, ["vendor.com/gpu=0"]);
    assert.deepEqual(JSON.parse(JSON.stringify(spec).replaceAll("18446744073709551615", '"max"')), {
      ociVersion: "1.2.0",
      process: {
        user: { uid: 0, gid: 0 },
        args: ["true", "now"],
        env: ["A=2", "B=3"],
        cwd: "/",
        rlimits: [{ type: "RLIMIT_NOFILE", hard: "max", soft: 1024 }],
        oomScoreAdj: -5,
        ioPriority: { class: "IOPRIO_CLASS_BE", priority: 4 },
        scheduler: { policy: "SCHED_BATCH", nice: 3, flags: ["SCHED_FLAG_RECLAIM"] },
      },
      root: { path: "rootfs" },
      mounts: [
        { destination: "/proc", type: "proc", source: "proc", options: [] },
        { destination: "/opt", type: "bind", source: "/b", options: ["ro"] },
        { destination: "/data/deep", type: "bind", source: "/a", options: ["rbind", "rslave"] },
      ],
      hooks: { createRuntime: [{ path: "/bin/hook", args: ["hook"], env: ["X=1"], timeout: 5 }] },
      annotations: { added: "1" },
      linux: {
        namespaces: [{ type: "pid" }, { type: "cgroup" }],
        rootfsPropagation: "rslave",
        cgroupsPath: "/elsewhere",
        devices: [{ path: "/dev/x", type: "c", major: 1, minor: 3, fileMode: 438, uid: 7 }],
        resources: {
          memory: { limit: 2000, swap: 2000, reservation: 500 },
          cpu: { shares: 100, quota: 10_000, cpus: "0", mems: "0" },
          hugepageLimits: [{ pageSize: "2MB", limit: 4 }],
          unified: { "memory.high": "1500" },
          pids: { limit: 64 },
          devices: [{ allow: true, type: "c", major: 1, minor: 3, access: "rw" }],
        },
        intelRdt: { closID: "gold" },
        netDevices: { eth7: { name: "inside0" } },
        sysctl: { "net.ipv4.ip_forward": "1" },
        seccomp: {
          defaultAction: "SCMP_ACT_ERRNO",
          defaultErrnoRet: 38,
          architectures: ["SCMP_ARCH_X86_64"],
          flags: [],
          syscalls: [
            {
              names: ["clone"],
              action: "SCMP_ACT_ALLOW",
              args: [{ index: 0, value: "max", valueTwo: 0, op: "SCMP_CMP_EQ" }],
            },
          ],
        },
        memoryPolicy: { mode: "MPOL_BIND", nodes: "0", flags: ["MPOL_F_STATIC_NODES"] },
      },
    });
  });

  void test("each plugin sees what those before it did, in the order of their index, and may undo it", async () => {
    await using engine = await ModelEngine.open();
    await engine.runPod("pod");
    const later = { env: [{ key: "-B" }, { key: "C", value: "4" }], args: ["", "false"], linux: { oomScoreAdj: null } };
    await using last = await join(engine, "20", { CreateContainer: { adjust: later } });
    await using _first = await join(engine, "10", { CreateContainer: { adjust: everything } });
    const { spec } = await engine.create("pod", "c");
    const { container } = await last.saw("CreateContainer");
    assert.deepEqual(container?.["args"], ["true", "now"]);
    assert.deepEqual(container?.["env"], ["A=2", "B=3"]);
    assert.deepEqual(container?.["annotations"], { added: "1" });
    const linux = container?.["linux"] as Json;
    assert.deepEqual(linux["ioPriority"], { class: "IOPRIO_CLASS_BE", priority: 4 });
    assert.deepEqual(linux["oomScoreAdj"], { value: "-5" });
    assert.deepEqual(spec.process.args, ["false"]);
    assert.deepEqual(spec.process.env, ["A=2", "C=4"]);
  });

  void test("two plugins cannot set the same, and the container is not created", async () => {
    await using engine = await ModelEngine.open();
    await engine.runPod("pod");
    const adjust = { linux: { resources: { cpu: { shares: { value: "5" } } } } };
    await using first = await join(engine, "10", { CreateContainer: { adjust } });
    await using _last = await join(engine, "20", { CreateContainer: { adjust } });
    await assert.rejects(engine.create("pod", "c"), {
      code: "conflict",
      message: "plugins 20-p20 and 10-p10 both tried to set CPUShares",
    });
    await first.heard(["CreateContainer", "StopContainer", "RemoveContainer"], "c");
  });

  void test("what plugins want of other containers is merged and done, unless they contradict each other", async () => {
    await using engine = await ModelEngine.open();
    await engine.runPod("pod");
    await engine.create("pod", "other");
    const wish = (resources: Json) => [{ containerId: "other", linux: { resources }, ignoreFailure: true }];
    const shares = wish({ cpu: { shares: { value: "5" } } });
    const memory = wish({ memory: { limit: { value: "6" } }, cpu: { shares: null, mems: "0" } });
    await using _a = await join(engine, "10", {
      CreateContainer: { update: shares },
      StopContainer: { update: shares },
    });
    await using _b = await join(engine, "20", {
      CreateContainer: { update: memory },
      StopContainer: { update: shares },
    });
    await engine.create("pod", "c");
    assert.deepEqual(engine.updates, [
      { containerId: "other", resources: { memory: { limit: 6 }, cpu: { shares: 5, mems: "0" } }, ignoreFailure: true },
    ]);
    await engine.stop("c");
    assert.deepEqual(engine.updates[1]?.resources.cpu, { shares: 5 });
    await assert.rejects(
      async () => {
        await using _c = await join(engine, "30", {
          CreateContainer: { update: wish({}).map((each) => ({ ...each, containerId: "d" })) },
        });
        await engine.create("pod", "d");
      },
      { code: "invalid-argument", message: /while it is created/ },
    );
  });

  void test("an update of a container is what the plugins make of it", async () => {
    await using engine = await ModelEngine.open();
    const pod = await engine.runPod("pod");
    for (const id of ["c", "other"]) await engine.create("pod", id);
    const update = [
      { containerId: "c", linux: { resources: { cpu: { shares: { value: "9" } } } } },
      { containerId: "other", linux: { resources: { pids: { limit: "3" } } } },
    ];
    await using _a = await join(engine, "10", { UpdateContainer: { update } });
    await using b = await join(engine, "20", {});
    using hooks = engine.hooks.enter();
    const asked = { cpu: { shares: 2, quota: 50 }, memory: { limit: 70 } };
    const resources = await hooks.updateContainer(pod, engine.container("c"), asked, { signal });
    assert.deepEqual(resources, { cpu: { shares: 9, quota: 50 }, memory: { limit: 70 } });
    assert.deepEqual(
      engine.updates.map(({ containerId, resources: { pids } }) => [containerId, pids]),
      [["other", { limit: 3 }]],
    );
    const seen = (await b.saw("UpdateContainer")).resources?.["cpu"];
    assert.deepEqual(seen, { shares: { value: "9" }, quota: { value: "50" } });
  });

  void test("a plugin that judges adjustments sees all of them and their owners, and can reject", async () => {
    await using engine = await ModelEngine.open();
    await engine.runPod("pod");
    const adjust = { env: [{ key: "A", value: "2" }], hooks: { poststop: [{ path: "/x" }] } };
    const behaviours = { ValidateContainerAdjustment: { error: "no hooks here", once: true } };
    await using _a = await join(engine, "10", { CreateContainer: { adjust } });
    await using judge = await join(engine, "05", behaviours, "ValidateContainerAdjustment");
    await assert.rejects(engine.create("pod", "c"), { message: /05-p05 .*no hooks here/ });
    await engine.create("pod", "c");
    const { request = assert.fail() } = await judge.saw("ValidateContainerAdjustment");
    assert.deepEqual(request["plugins"], [
      { name: "p05", index: "05" },
      { name: "p10", index: "10" },
    ]);
    assert.deepEqual((request["container"] as Json)["env"], ["PATH=/bin", "A=1"]);
    assert.deepEqual((request["adjust"] as Json)["env"], [{ key: "A", value: "2" }]);
    assert.deepEqual(request["owners"], {
      owners: { c: { simple: { 3: "10-p10" }, compound: { 6: { owners: { A: "10-p10" } } } } },
    });
  });

  void test("rules of the node hold for all plugins", async () => {
    const rules = { rejectOciHooks: true, requiredPlugins: ["p10"], tolerateMissingAnnotation: "relax" };
    await using engine = await ModelEngine.open({ rules });
    await engine.runPod("pod");
    await assert.rejects(engine.create("pod", "c"), { code: "failed-precondition", message: /p10/ });
    await using _a = await join(engine, "10", {
      CreateContainer: { adjust: { hooks: { poststop: [{ path: "/x" }] } }, once: true },
    });
    await assert.rejects(engine.create("pod", "c"), { code: "failed-precondition", message: /OCI hooks.*10-p10/ });
    await engine.create("pod", "c");
  });
});
