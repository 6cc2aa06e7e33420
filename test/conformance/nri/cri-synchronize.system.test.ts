// SPDX-License-Identifier: Apache-2.0
// Kubernetes' face with plugins that come late: they hear of every container, by the list or by its creation.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { TestPod } from "../../support/cri-pods.ts";
import { eventually } from "../../support/daemon.ts";
import { criSuite } from "./cri-suite.ts";
import { type NriPlugin, noGo } from "./nri-plugin.ts";

/** How often the plugin was told of this container's existence. */
function tellings(plugin: NriPlugin, id: string): number {
  const lists = plugin.events.filter(({ event }) => event === "Synchronize");
  const listed = lists.flatMap(({ containers = [] }) => containers).filter((each) => each.id === id);
  return listed.length + plugin.names(id).filter((name) => name === "CreateContainer").length;
}

/** How many creations the plugin was asked about. */
function createdIn(plugin: NriPlugin): number {
  return plugin.names().filter((name) => name === "CreateContainer").length;
}

void describe("NRI through CRI: plugins that come late", { skip: noGo }, () => {
  if (noGo !== false) return;
  const suite = criSuite();

  void test("a new plugin is given the pods and containers there are, and hears of those that come", async () => {
    await using _first = await suite.join({ name: "first" });
    await using pod = await TestPod.run(suite.runtime);
    const [before, ended] = [await pod.start(), await pod.start({ command: ["true"] })];
    await eventually("its end", async () =>
      (await suite.runtime.containerStatus({ containerId: ended })).status?.finishedAt ? true : undefined,
    );
    await using second = await suite.join({ name: "second", index: "10" });
    const { pods, containers } = await second.saw("Synchronize");
    assert.deepEqual(
      pods?.map(({ id }) => id),
      [pod.id],
    );
    assert.deepEqual(
      containers?.map(({ id, state, args }) => [id, state, args]),
      [[before, "CONTAINER_RUNNING", ["sleep", "1000"]]],
    );
    const after = await pod.start();
    await second.saw("CreateContainer", after);
  });

  void test("a container that is created while the plugin takes in the list is not lost", async () => {
    await using pod = await TestPod.run(suite.runtime);
    await pod.start();
    await using plugin = suite.connect({ name: "late", index: "10", behaviours: { Synchronize: { block: true } } });
    await plugin.saw("Synchronize");
    const starting = pod.start();
    // A plugin may take longer for the list than for any other request: this is what those may take at most.
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    plugin.release("Synchronize");
    const id = await starting;
    await plugin.saw("StartContainer", id);
    assert.equal(tellings(plugin, id), 1);
  });

  void test("of containers that come before, while and after a plugin joins, each is heard of once", async () => {
    await using first = await suite.join({ name: "first" });
    await using pod = await TestPod.run(suite.runtime);
    const start = async (count: number) =>
      await Promise.all(Array.from({ length: count }, async () => await pod.start()));
    const before = await start(2);
    const racing = start(3);
    await using plugin = suite.connect({ name: "late", index: "10", behaviours: { Synchronize: { block: true } } });
    await plugin.saw("Synchronize");
    const during = start(3);
    const known = before.length + 6;
    await first.until("all to be on their way", () => (createdIn(first) >= known ? true : undefined));
    plugin.release("Synchronize");
    const all = [...before, ...(await racing), ...(await during), ...(await start(2))];
    await plugin.saw("StartContainer", all.at(-1));
    assert.deepEqual(
      all.map((id) => tellings(plugin, id)),
      all.map(() => 1),
    );
  });

  void test("plugins of a daemon that was killed join the next one, and are told of ends that nobody saw once", async () => {
    await using pod = await TestPod.run(suite.runtime);
    const [stays, ends] = [await pod.start(), await pod.start({ command: ["sleep", "3"] })];
    await using over = await TestPod.run(suite.runtime);
    await suite.runtime.stopPodSandbox({ podSandboxId: over.id });
    await suite.daemon.kill();
    await suite.daemon.start();
    await eventually("its second socket", async () => await suite.runtime.version({}).catch(() => undefined));
    await using plugin = await suite.join({ name: "again" });
    const { containers = [] } = await plugin.saw("Synchronize");
    assert.ok(containers.some(({ id }) => id === stays));
    await eventually("its end", async () =>
      (await suite.runtime.containerStatus({ containerId: ends })).status?.finishedAt ? true : undefined,
    );
    if (containers.some(({ id }) => id === ends)) await plugin.heard(["StopContainer"], ends);
    await suite.runtime.stopContainer({ containerId: stays, timeout: 0n });
    await plugin.heard(["StopContainer"], stays);
    await suite.runtime.stopPodSandbox({ podSandboxId: pod.id });
    await suite.runtime.removePodSandbox({ podSandboxId: pod.id });
    await plugin.heard(["StopContainer", "RemoveContainer"], stays);
    await plugin.heard(["StopPodSandbox", "RemovePodSandbox"], pod.id);
    await suite.runtime.removePodSandbox({ podSandboxId: over.id });
    await plugin.heard(["RemovePodSandbox"], over.id);
  });
});
