// SPDX-License-Identifier: Apache-2.0
// The NRI driver against a plugin on the Go module's stub: what plugins are told, in which order, and what a refusal does.

import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { after, describe, test } from "node:test";
import { ModelEngine, signal } from "./model-engine.ts";
import { buildPlugin, NriPlugin, noGo } from "./nri-plugin.ts";

void describe("NRI driver: life cycles", { skip: noGo }, () => {
  const { file, directory } = noGo === false ? buildPlugin() : { file: "", directory: "" };
  after(() => rmSync(directory, { recursive: true, force: true }));

  void test("a plugin is told of the runtime, the time-outs, and all that there is but ended containers", async () => {
    await using engine = await ModelEngine.open();
    await engine.runPod("pod");
    for (const id of ["created", "running", "ended"]) await engine.create("pod", id);
    await engine.start("running");
    await engine.stop("ended");
    await using plugin = await NriPlugin.join({ file, socket: engine.socket, name: "watch", index: "07" });
    const configure = await plugin.saw("Configure");
    assert.deepEqual(
      [configure["runtime"], configure["version"], configure["registrationTimeout"], configure["requestTimeout"]],
      ["berth", "v0.0.1", 15_000, 10_000],
    );
    const { pods, containers } = await plugin.saw("Synchronize");
    assert.deepEqual(
      pods?.map(({ id }) => id),
      ["pod"],
    );
    assert.deepEqual(
      containers?.map(({ id, state }) => [id, state]),
      [
        ["created", "CONTAINER_CREATED"],
        ["running", "CONTAINER_RUNNING"],
      ],
    );
    assert.deepEqual(engine.hooks.plugins, ["07-watch"]);
  });

  void test("it is told of every step of a pod and a container, in order, with what they are", async () => {
    await using engine = await ModelEngine.open();
    await using plugin = await NriPlugin.join({ file, socket: engine.socket, name: "watch" });
    const pod = await engine.runPod("pod");
    using hooks = engine.hooks.enter();
    await hooks.updatePodSandbox(
      pod,
      { resources: { memory: { limit: 5 } }, overhead: { cpu: { shares: 6 } } },
      { signal },
    );
    await hooks.postUpdatePodSandbox(pod, { signal });
    await engine.create("pod", "c");
    await engine.start("c");
    const wanted = await hooks.updateContainer(pod, engine.container("c"), { cpu: { shares: 7 } }, { signal });
    assert.deepEqual(wanted, { cpu: { shares: 7 } });
    await hooks.postUpdateContainer(pod, engine.container("c"), { signal });
    await engine.stop("c");
    await engine.remove("c");
    await engine.stopPod("pod");
    await engine.removePod("pod");
    await plugin.heard([
      "Synchronize",
      "RunPodSandbox",
      "UpdatePodSandbox",
      "PostUpdatePodSandbox",
      "CreateContainer",
      "PostCreateContainer",
      "StartContainer",
      "PostStartContainer",
      "UpdateContainer",
      "PostUpdateContainer",
      "StopContainer",
      "RemoveContainer",
      "StopPodSandbox",
      "RemovePodSandbox",
    ]);
    assert.deepEqual((await plugin.saw("RunPodSandbox")).pod, {
      id: "pod",
      name: "name-of-pod",
      uid: "uid-of-pod",
      namespace: "default",
      labels: { app: "test" },
      runtimeHandler: "runc",
      linux: { cgroupParent: "/pods" },
      ips: ["10.0.0.1"],
    });
    const update = await plugin.saw("UpdatePodSandbox");
    assert.deepEqual(update.resources, { memory: { limit: { value: "5" } } });
    assert.deepEqual(update.overhead, { cpu: { shares: { value: "6" } } });
    const { container } = await plugin.saw("CreateContainer");
    assert.equal(container?.["name"], "name-of-c");
    assert.equal(container?.["podSandboxId"], "pod");
    assert.deepEqual(container?.["args"], ["sh"]);
    assert.deepEqual((await plugin.saw("UpdateContainer")).resources, { cpu: { shares: { value: "7" } } });
    const stopped = await plugin.saw("StopContainer");
    assert.equal(stopped.container?.["state"], "CONTAINER_STOPPED");
    assert.equal(stopped.container?.["exitCode"], 3);
  });

  void test("ends are told of once, also when only the removal is asked for", async () => {
    await using engine = await ModelEngine.open();
    await using plugin = await NriPlugin.join({ file, socket: engine.socket, name: "watch" });
    await engine.runPod("pod");
    await engine.create("pod", "c");
    await engine.start("c");
    await engine.stop("c");
    await engine.stop("c");
    await engine.create("pod", "never-stopped");
    await engine.remove("never-stopped");
    await engine.stopPod("pod");
    await engine.stopPod("pod");
    await engine.remove("c");
    await engine.removePod("pod");
    const made = ["CreateContainer", "PostCreateContainer"];
    await plugin.heard(["RunPodSandbox", "StopPodSandbox", "RemovePodSandbox"], "pod");
    await plugin.heard([...made, "StartContainer", "PostStartContainer", "StopContainer", "RemoveContainer"], "c");
    await plugin.heard([...made, "StopContainer", "RemoveContainer"], "never-stopped");
  });

  void test("a pod that a plugin refuses is taken back everywhere, and may come again", async () => {
    await using engine = await ModelEngine.open();
    const behaviours = { RunPodSandbox: { error: "not today", once: true } };
    await using first = await NriPlugin.join({ file, socket: engine.socket, name: "first", index: "01" });
    await using second = await NriPlugin.join({ file, socket: engine.socket, name: "second", index: "02", behaviours });
    await assert.rejects(engine.runPod("pod"), { message: /NRI plugin 02-second failed RunPodSandbox: not today/ });
    assert.equal(engine.pods.size, 0);
    const refused = ["RunPodSandbox", "StopPodSandbox", "RemovePodSandbox"];
    for (const plugin of [first, second]) await plugin.heard(refused, "pod");
    await engine.runPod("pod");
    for (const plugin of [first, second]) await plugin.heard([...refused, "RunPodSandbox"], "pod");
  });

  void test("a container that a plugin refuses never starts, and may come again", async () => {
    await using engine = await ModelEngine.open();
    const behaviours = {
      CreateContainer: { error: "no", once: true },
      StartContainer: { error: "nor this", once: true },
    };
    await using plugin = await NriPlugin.join({ file, socket: engine.socket, name: "moody", behaviours });
    await engine.runPod("pod");
    await assert.rejects(engine.create("pod", "c"), { message: /00-moody failed CreateContainer: no/ });
    assert.equal(engine.containers.size, 0);
    const refused = ["CreateContainer", "StopContainer", "RemoveContainer"];
    await plugin.heard(refused, "c");
    await engine.create("pod", "c");
    await assert.rejects(engine.start("c"), { message: /nor this/ });
    const unstarted = [...refused, "CreateContainer", "PostCreateContainer", "StartContainer", "StopContainer"];
    await plugin.heard(unstarted, "c");
    await engine.start("c");
    await plugin.heard([...unstarted, "StartContainer", "PostStartContainer"], "c");
  });

  void test("what cannot be refused is done, whatever the plugin says", async () => {
    await using engine = await ModelEngine.open();
    const refusing = ["StopContainer", "RemoveContainer", "StopPodSandbox", "RemovePodSandbox", "PostStartContainer"];
    const behaviours = Object.fromEntries(refusing.map((event) => [event, { error: "never" }]));
    await using stubborn = await NriPlugin.join({ file, socket: engine.socket, name: "a", index: "01", behaviours });
    await using other = await NriPlugin.join({ file, socket: engine.socket, name: "b", index: "02" });
    await engine.runPod("pod");
    await engine.create("pod", "c");
    await engine.start("c");
    await engine.stop("c");
    await engine.remove("c");
    await engine.stopPod("pod");
    await engine.removePod("pod");
    await stubborn.saw("RemovePodSandbox");
    await other.heard(stubborn.names());
  });

  void test("it hears of nothing that it has not asked for", async () => {
    await using engine = await ModelEngine.open();
    const events = "StopContainer,RunPodSandbox";
    await using plugin = await NriPlugin.join({ file, socket: engine.socket, name: "picky", events });
    await engine.runPod("pod");
    await engine.create("pod", "c");
    await engine.start("c");
    await engine.stop("c");
    await plugin.heard(["Synchronize", "RunPodSandbox", "StopContainer"]);
  });
});
