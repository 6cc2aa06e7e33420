// SPDX-License-Identifier: Apache-2.0
// Kubernetes' face with a plugin: what the plugin hears of pods, and what clients see while it thinks.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { ContainerState, PodSandboxState } from "../../../src/gen/runtime/v1/api_pb.js";
import { criSuite, podConfig } from "./cri-suite.ts";
import { at, noGo } from "./nri-plugin.ts";

void describe("NRI through CRI: pods", { skip: noGo }, () => {
  if (noGo !== false) return;
  const suite = criSuite();

  const ids = async () => (await suite.runtime.listPodSandbox({})).items.map(({ id }) => id);
  const stateOf = async (podSandboxId: string) =>
    (await suite.runtime.podSandboxStatus({ podSandboxId })).status?.state;
  const createIn = async (podSandboxId: string) =>
    await suite.runtime.createContainer({
      podSandboxId,
      config: {
        metadata: { name: "main", attempt: 0 },
        image: { image: "busybox:latest" },
        command: ["sleep", "1000"],
      },
      sandboxConfig: podConfig("any"),
    });
  const remove = async (podSandboxId: string) => {
    await suite.runtime.stopPodSandbox({ podSandboxId });
    await suite.runtime.removePodSandbox({ podSandboxId });
  };

  void test("run, stop and remove are told in this order, with what the pod is", async () => {
    await using plugin = await suite.join({ name: "watch" });
    const { podSandboxId: id } = await suite.runtime.runPodSandbox({ config: podConfig("one") });
    await remove(id);
    await plugin.heard(["RunPodSandbox", "StopPodSandbox", "RemovePodSandbox"], id);
    const { pod } = await plugin.saw("RunPodSandbox", id);
    assert.deepEqual(
      [pod?.["name"], pod?.["uid"], pod?.["namespace"], pod?.["labels"]],
      ["one", "uid-of-one", "nri-tests", { app: "one" }],
    );
    assert.equal(at(pod, "ips", "length"), 1);
    assert.equal((await plugin.saw("RemovePodSandbox", id)).pod?.["name"], "one");
  });

  void test("a pod is not to be seen before the plugin has let it run", async () => {
    await using plugin = await suite.join({ name: "slow", behaviours: { RunPodSandbox: { block: true } } });
    const running = suite.runtime.runPodSandbox({ config: podConfig("hidden") });
    const id = (await plugin.saw("RunPodSandbox")).pod?.id ?? "";
    assert.ok(!(await ids()).includes(id));
    await assert.rejects(stateOf(id), (error) => error instanceof ConnectError && error.code === Code.NotFound);
    plugin.release("RunPodSandbox");
    assert.equal((await running).podSandboxId, id);
    assert.equal(await stateOf(id), PodSandboxState.SANDBOX_READY);
    await remove(id);
  });

  void test("nothing is created in a pod before the plugin has let it run", async () => {
    await using plugin = await suite.join({ name: "slow", behaviours: { RunPodSandbox: { block: true } } });
    const running = suite.runtime.runPodSandbox({ config: podConfig("early") });
    const id = (await plugin.saw("RunPodSandbox")).pod?.id ?? "";
    await assert.rejects(createIn(id));
    plugin.release("RunPodSandbox");
    await running;
    const { containerId } = await createIn(id);
    assert.notEqual(containerId, "");
    await remove(id);
    assert.deepEqual(plugin.events.filter(({ event }) => event === "CreateContainer").length, 1);
  });

  void test("a refused pod leaves nothing, and the same pod may run afterwards", async () => {
    const behaviours = { RunPodSandbox: { error: "not this one", once: true } };
    await using plugin = await suite.join({ name: "strict", behaviours });
    const config = podConfig("refused");
    await assert.rejects(suite.runtime.runPodSandbox({ config }), /not this one/);
    const refused = (await plugin.saw("RunPodSandbox")).pod?.id ?? "";
    assert.ok(!(await ids()).includes(refused));
    await plugin.heard(["RunPodSandbox", "StopPodSandbox", "RemovePodSandbox"], refused);
    const { podSandboxId: id } = await suite.runtime.runPodSandbox({ config });
    assert.equal(await stateOf(id), PodSandboxState.SANDBOX_READY);
    await remove(id);
  });

  void test("when the plugin is told of the stop, the containers have ended and the pod is still there", async () => {
    await using plugin = await suite.join({
      name: "slow",
      behaviours: { StopPodSandbox: { block: true, once: true } },
    });
    const { podSandboxId: id } = await suite.runtime.runPodSandbox({ config: podConfig("ending") });
    const { containerId } = await createIn(id);
    await suite.runtime.startContainer({ containerId });
    const stopping = suite.runtime.stopPodSandbox({ podSandboxId: id });
    const { pod } = await plugin.saw("StopPodSandbox", id);
    const { containers } = await suite.runtime.listContainers({ filter: { podSandboxId: id } });
    assert.deepEqual(
      containers.map(({ state }) => state),
      [ContainerState.CONTAINER_EXITED],
    );
    assert.equal((await suite.runtime.podSandboxStatus({ podSandboxId: id })).status?.id, id);
    assert.ok(plugin.names(containerId).includes("StopContainer"));
    assert.equal(at(pod, "ips", "length"), 1);
    plugin.release("StopPodSandbox");
    await stopping;
    await remove(id);
  });

  void test("a pod is stopped once, and never used again", async () => {
    await using plugin = await suite.join({ name: "watch" });
    const { podSandboxId: id } = await suite.runtime.runPodSandbox({ config: podConfig("twice") });
    await suite.runtime.stopPodSandbox({ podSandboxId: id });
    await suite.runtime.stopPodSandbox({ podSandboxId: id });
    await assert.rejects(createIn(id));
    await suite.runtime.removePodSandbox({ podSandboxId: id });
    await plugin.heard(["Synchronize", "RunPodSandbox", "StopPodSandbox", "RemovePodSandbox"]);
  });

  void test("new resources of a pod are told before and after, and can be refused", async () => {
    await using plugin = await suite.join({ name: "watch" });
    const { podSandboxId } = await suite.runtime.runPodSandbox({ config: podConfig("resized") });
    await suite.runtime.updatePodSandboxResources({ podSandboxId, resources: { cpuShares: 512n } });
    await plugin.heard(["RunPodSandbox", "UpdatePodSandbox", "PostUpdatePodSandbox"], podSandboxId);
    const { resources } = await plugin.saw("UpdatePodSandbox");
    assert.deepEqual(at(resources, "cpu", "shares"), { value: "512" });
    plugin.behave("UpdatePodSandbox", { error: "stay as you are" });
    await assert.rejects(
      suite.runtime.updatePodSandboxResources({ podSandboxId, resources: { cpuShares: 256n } }),
      /stay as you are/,
    );
    await remove(podSandboxId);
  });
});
