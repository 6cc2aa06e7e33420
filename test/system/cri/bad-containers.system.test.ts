// SPDX-License-Identifier: Apache-2.0
// Requests about a pod's containers that make no sense: the code that says so, a message that names the thing, and
// nothing made.

import assert from "node:assert/strict";
import { before, suite, test } from "node:test";
import { MountPropagation, NamespaceMode } from "../../../src/gen/runtime/v1/api_pb.js";
import { type ContainerInit, refused } from "../../support/cri-client.ts";
import { assertSameTraces, tracesOf } from "../../support/engine-traces.ts";
import { suiteCri } from "../../support/suite-cri.ts";

const unknownId = "b".repeat(64);

suite("a request about a pod's container that makes no sense", () => {
  const own = suiteCri();
  let pod = "";
  let withPod: readonly string[] = [];

  before(async () => {
    pod = await own.cri.runPod();
    // The pod's cgroup comes with the first of its containers.
    await own.cri.runtime.removeContainer({ containerId: await own.cri.start(pod) });
    withPod = await tracesOf(own.daemon);
  });
  const bad = async (code: Parameters<typeof refused>[0], word: string, init: object) => {
    await assert.rejects(own.cri.create(pod, init as ContainerInit), refused(code, word), JSON.stringify(init, asText));
    await assertSameTraces(own.daemon, withPod, word);
  };
  const asText = (_: string, value: unknown) => (typeof value === "bigint" ? String(value) : value);
  const security = (securityContext: object) => ({ linux: { securityContext } });

  test("no configuration, metadata, name, image or command", async () => {
    const { runtime } = own.cri;
    await assert.rejects(runtime.createContainer({ podSandboxId: pod }), refused("InvalidArgument", "config"));
    await bad("InvalidArgument", "metadata", { metadata: undefined });
    await bad("InvalidArgument", "name", { metadata: { name: "" } });
    await bad("InvalidArgument", "image", { image: undefined });
    await bad("NotFound", "no-such-image", { image: { image: "no-such-image:v1" } });
    await bad("InvalidArgument", "Bad Name", { image: { image: "Bad Name" } });
  });

  test("no id, or an unknown one", async () => {
    const { runtime } = own.cri;
    const byId: Readonly<Record<string, (containerId: string) => Promise<unknown>>> = {
      startContainer: async (containerId) => await runtime.startContainer({ containerId }),
      containerStatus: async (containerId) => await runtime.containerStatus({ containerId }),
      updateContainerResources: async (containerId) =>
        await runtime.updateContainerResources({ containerId, linux: {} }),
      reopenContainerLog: async (containerId) => await runtime.reopenContainerLog({ containerId }),
      execSync: async (containerId) => await runtime.execSync({ containerId, cmd: ["true"] }),
      exec: async (containerId) => await runtime.exec({ containerId, cmd: ["true"], stdout: true }),
      attach: async (containerId) => await runtime.attach({ containerId, stdout: true }),
      containerStats: async (containerId) => await runtime.containerStats({ containerId }),
      checkpointContainer: async (containerId) =>
        await runtime.checkpointContainer({ containerId, location: "/tmp/x" }),
    };
    for (const [name, call] of Object.entries(byId)) {
      for (const id of [unknownId, "../../etc", "a name"])
        await assert.rejects(call(id), refused("NotFound", id), name);
      await assert.rejects(call(""), refused("InvalidArgument"), name);
    }
    await assert.rejects(own.cri.create(unknownId), refused("NotFound", unknownId));
    await assert.rejects(own.cri.create(""), refused("InvalidArgument"));
    await assert.rejects(runtime.stopContainer({}), refused("InvalidArgument"));
    await assert.rejects(runtime.removeContainer({}), refused("InvalidArgument"));
  });

  test("users and groups that are none", async () => {
    for (const value of [2n ** 31n, -1n, 2n ** 40n]) {
      await bad("InvalidArgument", String(value), security({ runAsUser: { value } }));
      await bad("InvalidArgument", String(value), security({ runAsUser: { value: 1n }, runAsGroup: { value } }));
      await bad("InvalidArgument", String(value), security({ supplementalGroups: [value] }));
    }
    await bad("InvalidArgument", "without user", security({ runAsGroup: { value: 5n } }));
    await bad("InvalidArgument", "run_as_user", security({ runAsUser: { value: 1n }, runAsUsername: "web" }));
    await assert.rejects(
      own.cri.create(pod, security({ runAsUsername: "no-such-user" }) as ContainerInit),
      (error: Error) => error.message.includes("no-such-user"),
    );
    await assertSameTraces(own.daemon, withPod);
  });

  test("mounts that cannot be", async () => {
    const mount = (init: object) => ({ mounts: [{ containerPath: "/mnt", hostPath: "/etc", ...init }] });
    const { PROPAGATION_HOST_TO_CONTAINER, PROPAGATION_BIDIRECTIONAL } = MountPropagation;
    for (const propagation of [PROPAGATION_HOST_TO_CONTAINER, PROPAGATION_BIDIRECTIONAL]) {
      await bad("InvalidArgument", "/mnt", mount({ readonly: true, recursiveReadOnly: true, propagation }));
    }
    await bad("InvalidArgument", "/mnt", mount({ readonly: false, recursiveReadOnly: true }));
    await bad("InvalidArgument", "77", mount({ propagation: 77 }));
    await bad("InvalidArgument", "path", mount({ containerPath: "" }));
    await bad("InvalidArgument", "/no/such/path", mount({ hostPath: "/no/such/path" }));
    await bad("NotFound", "no-such-image", {
      mounts: [{ containerPath: "/mnt", image: { image: "no-such-image:v1" }, readonly: true }],
    });
    const inImage = (imageSubPath: string) => ({
      mounts: [{ containerPath: "/mnt", image: { image: "busybox" }, imageSubPath, readonly: true }],
    });
    await bad("NotFound", "no/such", inImage("no/such"));
    await bad("InvalidArgument", "../../etc", inImage("../../etc"));
  });

  test("log paths that lead out of the pod's directory", async () => {
    for (const logPath of ["../out.log", "a/../../out.log", "/../../etc/passwd.log", "..", "."]) {
      await bad("InvalidArgument", logPath, { logPath });
    }
  });

  test("variables, capabilities, profiles, devices and signals that are none", async () => {
    await bad("InvalidArgument", "A=B", { envs: [{ key: "A=B", value: Buffer.from("c") }] });
    await bad("InvalidArgument", "NO_SUCH", security({ capabilities: { addCapabilities: ["NO_SUCH"] } }));
    await bad("InvalidArgument", "stop signal", { stopSignal: 999 });
    const seccomp = { profileType: 2, localhostRef: "relative.json" };
    await bad("InvalidArgument", "relative.json", security({ seccomp }));
    await bad(
      "FailedPrecondition",
      "/no/such.json",
      security({ seccomp: { ...seccomp, localhostRef: "/no/such.json" } }),
    );
    await bad("NotFound", "/dev/no-such", {
      devices: [{ hostPath: "/dev/no-such", containerPath: "/dev/x", permissions: "rw" }],
    });
    await bad("InvalidArgument", "zz", {
      devices: [{ hostPath: "/dev/null", containerPath: "/dev/x", permissions: "zz" }],
    });
  });

  test("processes of a container that is not there, and mappings that are not the pod's", async () => {
    const options = (namespaceOptions: object) => security({ namespaceOptions });
    await bad("NotFound", unknownId, options({ pid: NamespaceMode.TARGET, targetId: unknownId }));
    await bad("InvalidArgument", "", options({ pid: 55 }));
    const range = [{ containerId: 0, hostId: 100_000, length: 65_536 }];
    const usernsOptions = { mode: NamespaceMode.POD, uids: range, gids: range };
    await bad("InvalidArgument", "user namespace", options({ pid: NamespaceMode.CONTAINER, usernsOptions }));
  });

  test("limits and times that are none", async () => {
    const resources = (init: object) => ({ linux: { resources: init } });
    await bad("InvalidArgument", "", resources({ memoryLimitInBytes: -5n }));
    await bad("InvalidArgument", "", resources({ cpusetCpus: "no cpus" }));
    await bad("InvalidArgument", "", resources({ cpuQuota: 1n, cpuPeriod: 100_000n }));
    const id = await own.cri.start(pod);
    const { runtime } = own.cri;
    const update = runtime.updateContainerResources({ containerId: id, linux: { memoryLimitInBytes: -5n } });
    await assert.rejects(update, refused("InvalidArgument"));
    await assert.rejects(
      runtime.execSync({ containerId: id, cmd: ["true"], timeout: -(2n ** 63n) }),
      refused("InvalidArgument"),
    );
    await assert.rejects(runtime.exec({ containerId: id, cmd: [], stdout: true }), refused("InvalidArgument"));
    await assert.rejects(runtime.exec({ containerId: id, cmd: ["true"] }), refused("InvalidArgument"));
    await assert.rejects(runtime.attach({ containerId: id }), refused("InvalidArgument"));
    assert.equal(await own.cri.output(id, "echo fine"), "fine");
    await runtime.removeContainer({ containerId: id });
    await assertSameTraces(own.daemon, withPod);
  });

  test("labels of any kind are kept as they are", async () => {
    const labels = { "": "empty", "a b=c\n": "x\u0000y", 名: "値", ["k".repeat(5000)]: "v".repeat(5000) };
    const id = await own.cri.create(pod, { labels, annotations: labels });
    const status = await own.cri.status(id);
    assert.deepEqual({ ...status.labels }, labels);
    assert.deepEqual({ ...status.annotations }, labels);
    await own.cri.runtime.removeContainer({ containerId: id });
  });
});
