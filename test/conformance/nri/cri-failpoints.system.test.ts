// SPDX-License-Identifier: Apache-2.0
// Kubernetes' face with a plugin: it is told that what it let through has come to nothing after all.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { TestPod } from "../../support/cri-pods.ts";
import { criSuite, podConfig } from "./cri-suite.ts";
import { noGo } from "./nri-plugin.ts";

const steps = ["run-pod:hooked", "create-container:hooked", "start-container:started"];

void describe("NRI through CRI: what fails after its hook", { skip: noGo }, () => {
  if (noGo !== false) return;
  const suite = criSuite({ BERTH_FAILPOINTS: steps.map((step) => `${step}=throw`).join(",") });

  void test("is told of as stopped, and as removed where nothing is left", async () => {
    await using plugin = await suite.join({ name: "watch" });
    await assert.rejects(suite.runtime.runPodSandbox({ config: podConfig("fails") }), /run-pod:hooked/);
    const podId = (await plugin.saw("RunPodSandbox")).pod?.id;
    await plugin.heard(["RunPodSandbox", "StopPodSandbox", "RemovePodSandbox"], podId);
    await using pod = await TestPod.run(suite.runtime);
    await assert.rejects(pod.create(), /create-container:hooked/);
    const refused = (await plugin.saw("CreateContainer")).container?.id;
    await plugin.heard(["CreateContainer", "StopContainer", "RemoveContainer"], refused);
    const containerId = await pod.create();
    await assert.rejects(suite.runtime.startContainer({ containerId }), /start-container:started/);
    const told = ["CreateContainer", "PostCreateContainer", "StartContainer", "StopContainer"];
    await plugin.heard(told, containerId);
    await suite.runtime.removeContainer({ containerId });
    await plugin.heard([...told, "RemoveContainer"], containerId);
  });
});
