// SPDX-License-Identifier: Apache-2.0
// Kubernetes' face with a plugin: what the plugin hears of containers, what it can change, and what clients see meanwhile.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { ContainerState } from "../../../src/gen/runtime/v1/api_pb.js";
import { TestPod } from "../../support/cri-pods.ts";
import { eventually } from "../../support/daemon.ts";
import { criSuite } from "./cri-suite.ts";
import { at, type Json, noGo } from "./nri-plugin.ts";

const whole = ["CreateContainer", "PostCreateContainer", "StartContainer", "PostStartContainer", "StopContainer"];

void describe("NRI through CRI: containers", { skip: noGo }, () => {
  if (noGo !== false) return;
  const suite = criSuite();

  const stateOf = async (containerId: string) => (await suite.runtime.containerStatus({ containerId })).status?.state;
  const limitsOf = async (containerId: string) =>
    (await suite.runtime.containerStatus({ containerId })).status?.resources?.linux;
  const listed = async (podSandboxId: string) =>
    (await suite.runtime.listContainers({ filter: { podSandboxId } })).containers.map(({ id }) => id);

  void test("create, start, stop and remove are told in this order, with what the container is", async () => {
    await using plugin = await suite.join({ name: "watch" });
    await using pod = await TestPod.run(suite.runtime);
    const containerId = await pod.start({ metadata: { name: "named" }, labels: { l: "1" }, annotations: { a: "2" } });
    await suite.runtime.stopContainer({ containerId, timeout: 0n });
    await suite.runtime.removeContainer({ containerId });
    await plugin.heard([...whole, "RemoveContainer"], containerId);
    for (const event of ["CreateContainer", "StartContainer", "StopContainer", "RemoveContainer"]) {
      const { container, pod: around } = await plugin.saw(event, containerId);
      assert.deepEqual(
        [container?.["name"], container?.["podSandboxId"], around?.id],
        ["named", pod.id, pod.id],
        event,
      );
    }
    const { container } = await plugin.saw("CreateContainer", containerId);
    assert.deepEqual(container?.["args"], ["sleep", "1000"]);
    assert.equal(at(container, "labels", "l"), "1");
    assert.equal(at(container, "annotations", "a"), "2");
    assert.notEqual(container?.["image"], undefined);
    assert.deepEqual(at(container, "linux", "seccompProfile"), { profileType: "UNCONFINED" });
    const started = await plugin.saw("PostStartContainer", containerId);
    assert.equal(started.container?.["state"], "CONTAINER_RUNNING");
    assert.ok(Number(started.container?.["pid"]) > 0);
    assert.ok(Number((await plugin.saw("StartContainer", containerId)).container?.["pid"]) > 0);
    const stopped = await plugin.saw("StopContainer", containerId);
    assert.equal(stopped.container?.["state"], "CONTAINER_STOPPED");
  });

  void test("a container that fails by itself is told of as stopped, before anybody removes it", async () => {
    await using plugin = await suite.join({ name: "watch" });
    await using pod = await TestPod.run(suite.runtime);
    const containerId = await pod.start({ metadata: { name: "fails" }, command: ["sh", "-c", "exit 7"] });
    const { container } = await plugin.saw("StopContainer", containerId);
    assert.deepEqual([container?.["name"], container?.["exitCode"]], ["fails", 7]);
    assert.equal(await stateOf(containerId), ContainerState.CONTAINER_EXITED);
    await suite.runtime.removeContainer({ containerId });
    await plugin.heard([...whole, "RemoveContainer"], containerId);
  });

  void test("a container is not to be seen before the plugin has let it be created", async () => {
    await using plugin = await suite.join({ name: "slow", behaviours: { CreateContainer: { block: true } } });
    await using pod = await TestPod.run(suite.runtime);
    const creating = pod.create();
    const id = (await plugin.saw("CreateContainer")).container?.id ?? "";
    assert.deepEqual(await listed(pod.id), []);
    await assert.rejects(stateOf(id), (error) => error instanceof ConnectError && error.code === Code.NotFound);
    plugin.release("CreateContainer");
    assert.equal(await creating, id);
    assert.equal(await stateOf(id), ContainerState.CONTAINER_CREATED);
  });

  void test("a refused container leaves nothing, and another may be created", async () => {
    await using plugin = await suite.join({
      name: "strict",
      behaviours: { CreateContainer: { error: "not this one", once: true } },
    });
    await using pod = await TestPod.run(suite.runtime);
    const config = { metadata: { name: "again" } };
    await assert.rejects(pod.create(config), /not this one/);
    const refused = (await plugin.saw("CreateContainer")).container?.id ?? "";
    assert.deepEqual(await listed(pod.id), []);
    await plugin.heard(["CreateContainer", "StopContainer", "RemoveContainer"], refused);
    const containerId = await pod.start(config);
    await suite.runtime.stopContainer({ containerId, timeout: 0n });
    await suite.runtime.removeContainer({ containerId });
    assert.ok(!plugin.names(refused).includes("StartContainer"));
  });

  void test("a refused start leaves an ended container, which the plugin is told of", async () => {
    await using plugin = await suite.join({
      name: "strict",
      behaviours: { StartContainer: { error: "stay", once: true } },
    });
    await using pod = await TestPod.run(suite.runtime);
    const containerId = await pod.create();
    await assert.rejects(suite.runtime.startContainer({ containerId }), /stay/);
    assert.notEqual(await stateOf(containerId), ContainerState.CONTAINER_RUNNING);
    await suite.runtime.removeContainer({ containerId });
    await plugin.heard(
      ["CreateContainer", "PostCreateContainer", "StartContainer", "StopContainer", "RemoveContainer"],
      containerId,
    );
  });

  void test("what the plugin adjusts is what runs", async () => {
    const adjust: Json = {
      env: [{ key: "FROM_NRI", value: "yes" }],
      args: ["sleep", "2000"],
      mounts: [{ destination: "/nri", type: "tmpfs", source: "tmpfs", options: ["size=1m"] }],
      rlimits: [{ type: "RLIMIT_NOFILE", hard: "333", soft: "222" }],
      linux: {
        devices: [{ path: "/dev/nri-null", type: "c", major: "1", minor: "3", fileMode: { value: 438 } }],
        resources: { memory: { limit: { value: String(64 << 20) } }, cpu: { shares: { value: "77" } } },
      },
    };
    await using plugin = await suite.join({ name: "adjust", behaviours: { CreateContainer: { adjust } } });
    await using pod = await TestPod.run(suite.runtime);
    const id = await pod.start();
    assert.match(
      await pod.output(id, "tr '\\0' ' ' < /proc/1/cmdline; tr '\\0' '\\n' < /proc/1/environ"),
      /^sleep 2000 /,
    );
    assert.match(await pod.output(id, "tr '\\0' '\\n' < /proc/1/environ"), /^FROM_NRI=yes$/m);
    assert.match(await pod.output(id, "grep ' /nri ' /proc/1/mountinfo"), /tmpfs/);
    assert.match(await pod.output(id, "grep 'open files' /proc/1/limits"), /222\s+333/);
    await pod.output(id, "echo > /dev/nri-null");
    const limits = await limitsOf(id);
    assert.deepEqual([limits?.memoryLimitInBytes, limits?.cpuShares], [64n << 20n, 77n]);
    const { container } = await plugin.saw("PostStartContainer", id);
    assert.deepEqual(at(container, "linux", "resources", "memory", "limit"), { value: String(64 << 20) });
    assert.deepEqual(at(container, "linux", "resources", "cpu", "shares"), { value: "77" });
  });

  void test("an update is what the plugin makes of it, and other containers change with it", async () => {
    await using plugin = await suite.join({ name: "tune" });
    await using pod = await TestPod.run(suite.runtime);
    const [containerId, other] = [await pod.start(), await pod.start()];
    const limited = (id: string, mebibytes: number) => ({
      containerId: id,
      linux: { resources: { memory: { limit: { value: String(mebibytes << 20) } } } },
    });
    const limitOf = async (id: string) =>
      Number(
        await pod.output(id, "cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes memory.max 2> /dev/null || :"),
      ) >> 20;
    const shownLimit = async (id: string) => Number((await limitsOf(id))?.memoryLimitInBytes) >> 20;
    plugin.behave("UpdateContainer", { update: [limited(containerId, 112), limited(other, 96)] });
    const linux = { cpuShares: 200n, memoryLimitInBytes: 128n << 20n };
    await suite.runtime.updateContainerResources({ containerId, linux });
    assert.deepEqual([await limitOf(containerId), await limitOf(other)], [112, 96]);
    assert.deepEqual([await shownLimit(containerId), await shownLimit(other)], [112, 96]);
    plugin.update([limited(other, 80), limited("unknown", 1)]);
    assert.deepEqual(
      (await plugin.saw("Updated")).failed?.map((each) => each["containerId"]),
      ["unknown"],
    );
    assert.deepEqual([await limitOf(other), await shownLimit(other)], [80, 80]);
    await plugin.saw("PostUpdateContainer", containerId);
  });

  void test("a plugin that hangs is dropped after two seconds, and what waited for it goes on", async () => {
    await using plugin = await suite.join({ name: "hangs", behaviours: { CreateContainer: { deaf: true } } });
    await using pod = await TestPod.run(suite.runtime);
    const containerId = await pod.start();
    await plugin.saw("Closed");
    await eventually("it runs", async () =>
      (await stateOf(containerId)) === ContainerState.CONTAINER_RUNNING ? true : undefined,
    );
    await plugin.heard(["CreateContainer"], containerId);
  });
});
