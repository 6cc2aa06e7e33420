// SPDX-License-Identifier: Apache-2.0
// The NRI driver and plugins that join while pods and containers come and go: each reaches them once.

import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { after, describe, test } from "node:test";
import { ModelEngine } from "./model-engine.ts";
import { buildPlugin, NriPlugin, noGo } from "./nri-plugin.ts";

const blocked = { Synchronize: { block: true } };

/** How often the plugin was told of this container's or pod's existence. */
function tellings(plugin: NriPlugin, id: string): number {
  const lists = plugin.events.filter(({ event }) => event === "Synchronize");
  const listed = lists.flatMap(({ pods = [], containers = [] }) => [...pods, ...containers]);
  const made = plugin.names(id).filter((name) => name === "CreateContainer" || name === "RunPodSandbox");
  return listed.filter((each) => each.id === id).length + made.length;
}

void describe("NRI driver: plugins that join", { skip: noGo }, () => {
  const { file, directory } = noGo === false ? buildPlugin() : { file: "", directory: "" };
  after(() => rmSync(directory, { recursive: true, force: true }));

  void test("a container that is created while a plugin takes in the list is created with it, afterwards", async () => {
    await using engine = await ModelEngine.open();
    await engine.runPod("pod");
    await engine.create("pod", "before");
    await using first = await NriPlugin.join({ file, socket: engine.socket, name: "first" });
    const behaviours = { ...blocked, CreateContainer: { adjust: { env: [{ key: "LATE", value: "no" }] } } };
    const events = "RunPodSandbox,CreateContainer,PostCreateContainer";
    await using plugin = new NriPlugin({ file, socket: engine.socket, name: "slow", index: "10", behaviours, events });
    await plugin.saw("Synchronize");
    const during = Promise.all(["d1", "d2", "d3"].map(async (id) => await engine.create("pod", id)));
    for (const id of ["d1", "d2", "d3"]) await first.saw("CreateContainer", id);
    // What does not concern the plugin that joins goes on, and takes longer than to ask it too soon.
    await engine.start("before");
    await engine.stop("before");
    assert.equal(engine.containers.size, 1);
    plugin.release("Synchronize");
    for (const { spec } of await during) assert.ok(spec.process.env.includes("LATE=no"));
    await engine.create("pod", "after");
    await plugin.saw("PostCreateContainer", "after");
    for (const id of ["pod", "before", "d1", "d2", "d3", "after"]) assert.equal(tellings(plugin, id), 1, id);
    const order = plugin.events.map(({ event }) => event);
    assert.ok(order.indexOf("Synchronized") < order.indexOf("CreateContainer"), order.join(" "));
  });

  void test("a container whose creation others are being asked about when a plugin joins is in its list", async () => {
    await using engine = await ModelEngine.open();
    const behaviours = { CreateContainer: { block: true, once: true } };
    await using first = await NriPlugin.join({ file, socket: engine.socket, name: "first", index: "90", behaviours });
    await engine.runPod("pod");
    const creating = engine.create("pod", "c");
    await first.saw("CreateContainer", "c");
    await using second = new NriPlugin({ file, socket: engine.socket, name: "second", index: "10" });
    await second.until("the second plugin in the order", () => (engine.hooks.plugins.length === 2 ? true : undefined));
    const next = engine.create("pod", "next");
    assert.deepEqual(second.names(), []);
    first.release("CreateContainer");
    await Promise.all([creating, next]);
    await second.saw("PostCreateContainer", "next");
    assert.deepEqual(engine.hooks.plugins, ["10-second", "90-first"]);
    for (const id of ["pod", "c", "next"]) assert.equal(tellings(second, id), 1, id);
  });

  void test("a plugin that takes long to join holds up only what it listens to", async () => {
    await using engine = await ModelEngine.open();
    await engine.runPod("pod");
    await engine.create("pod", "c");
    const request = { file, socket: engine.socket, name: "slow", behaviours: blocked, events: "StopContainer" };
    await using plugin = new NriPlugin(request);
    await plugin.saw("Synchronize");
    await engine.start("c");
    await engine.create("pod", "other");
    let stopped = false;
    const stopping = engine.stop("c").then(() => {
      stopped = true;
    });
    await engine.create("pod", "third");
    assert.equal(stopped, false);
    plugin.release("Synchronize");
    await stopping;
    await plugin.heard(["Synchronize", "StopContainer"]);
  });

  void test("what ends while a plugin joins is told of after it was listed", async () => {
    await using engine = await ModelEngine.open();
    await engine.runPod("pod");
    for (const id of ["stops", "goes"]) {
      await engine.create("pod", id);
      await engine.start(id);
    }
    await using plugin = new NriPlugin({ file, socket: engine.socket, name: "slow", behaviours: blocked });
    await plugin.saw("Synchronize");
    const ending = Promise.all([engine.stop("stops"), engine.remove("goes")]);
    plugin.release("Synchronize");
    await ending;
    await plugin.heard(["StopContainer"], "stops");
    await plugin.heard(["StopContainer", "RemoveContainer"], "goes");
    for (const id of ["stops", "goes"]) assert.equal(tellings(plugin, id), 1, id);
  });

  void test("thousands of containers come in several messages, each once", async () => {
    await using engine = await ModelEngine.open();
    await engine.runPod("pod");
    const count = 3_000;
    const labels = { filler: "x".repeat(3_000) };
    for (let index = 0; index < count; index++) await engine.create("pod", `c${index}`, { labels });
    await using plugin = await NriPlugin.join({ file, socket: engine.socket, name: "many" });
    const { containers = [] } = await plugin.saw("Synchronize");
    assert.equal(new Set(containers.map(({ id }) => id)).size, count);
    await engine.create("pod", "last");
    await plugin.saw("CreateContainer", "last");
  });

  void test("what a plugin wants changed when it joins is changed, and later out of its own accord", async () => {
    await using engine = await ModelEngine.open();
    await engine.runPod("pod");
    await engine.create("pod", "c");
    const update = [{ containerId: "c", linux: { resources: { cpu: { cpus: "0" } } } }];
    await using plugin = await NriPlugin.join({
      file,
      socket: engine.socket,
      name: "tuner",
      behaviours: { Synchronize: { update } },
    });
    await plugin.until("the update", () => engine.updates[0]);
    plugin.update([
      { containerId: "c", linux: { resources: { cpu: { shares: { value: "50" } } } }, ignoreFailure: true },
      { containerId: "unknown", linux: {} },
    ]);
    const { failed } = await plugin.saw("Updated");
    assert.deepEqual(
      failed?.map((each) => each["containerId"]),
      ["unknown"],
    );
    assert.deepEqual(engine.updates.slice(0, 2), [
      { containerId: "c", resources: { cpu: { cpus: "0" } }, ignoreFailure: false },
      { containerId: "c", resources: { cpu: { shares: 50 } }, ignoreFailure: true },
    ]);
  });

  void test("an operation that never ends costs a joining plugin its place, and nothing else", async () => {
    await using engine = await ModelEngine.open({ registrationTimeoutMs: 500 });
    await engine.runPod("pod");
    using _endless = engine.hooks.enter();
    await using plugin = new NriPlugin({ file, socket: engine.socket, name: "late" });
    await plugin.saw("Closed");
    assert.deepEqual(engine.hooks.plugins, []);
    await engine.create("pod", "c");
    assert.deepEqual(plugin.names("c"), []);
  });

  void test("a plugin that was dropped for its silence while it joined is not waited for", async () => {
    await using engine = await ModelEngine.open({ registrationTimeoutMs: 1_000 });
    await engine.runPod("pod");
    const behaviours = { Synchronize: { deaf: true } };
    await using plugin = new NriPlugin({ file, socket: engine.socket, name: "mute", behaviours });
    await plugin.saw("Synchronize");
    await engine.create("pod", "c");
    assert.deepEqual(engine.hooks.plugins, []);
  });
});
