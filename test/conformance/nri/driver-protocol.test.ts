// SPDX-License-Identifier: Apache-2.0
// The NRI driver and plugins that do what the Go module's stub never does: older ones, odd ones, ones that evict.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Event, Runtime } from "../../../src/gen/nri/pkg/api/v1alpha1/api_pb.js";
import { eventually } from "../../support/daemon.ts";
import { ModelEngine, signal } from "./model-engine.ts";
import { connectOwn } from "./own-plugin.ts";

const events = (...list: readonly Event[]) => list.reduce((mask, event) => mask | (1 << (event - 1)), 0);
const joined = async (engine: ModelEngine) =>
  await eventually("the plugin to join", () => (engine.hooks.plugins.length > 0 ? true : undefined));

void test("a plugin that is older than the calls is told by state changes, and its refusal counts as much", async () => {
  await using engine = await ModelEngine.open();
  const told: string[] = [];
  let refuses = false;
  await using _plugin = await connectOwn(engine, {
    configure: async () => ({ events: events(Event.RUN_POD_SANDBOX, Event.START_CONTAINER, Event.REMOVE_CONTAINER) }),
    stateChange: async ({ event, pod, container }) => {
      told.push(`${Event[event]} ${container?.id ?? pod?.id}`);
      if (refuses) throw new Error("no more");
      return {};
    },
  });
  await joined(engine);
  await engine.runPod("pod");
  await engine.create("pod", "c");
  await engine.start("c");
  await engine.remove("c");
  assert.deepEqual(told, ["RUN_POD_SANDBOX pod", "START_CONTAINER c", "REMOVE_CONTAINER c"]);
  refuses = true;
  await assert.rejects(engine.runPod("other"), { message: /failed StateChange: no more/ });
});

void test("plugins can evict containers when others are created or updated, and at any time", async () => {
  await using engine = await ModelEngine.open();
  const pod = await engine.runPod("pod");
  const evict = (containerId: string) => [{ containerId, reason: "crowded" }];
  await using plugin = await connectOwn(engine, {
    configure: async () => ({ events: events(Event.CREATE_CONTAINER, Event.UPDATE_CONTAINER) }),
    createContainer: async () => ({ evict: evict("a") }),
    updateContainer: async () => ({ evict: evict("b") }),
  });
  await joined(engine);
  await engine.create("pod", "c");
  using hooks = engine.hooks.enter();
  await hooks.updateContainer(pod, engine.container("c"), {}, { signal });
  await plugin.runtime.call(Runtime.method.updateContainers, { evict: evict("c") }, { signal });
  assert.deepEqual(
    engine.evictions,
    ["a", "b", "c"].map((containerId) => ({ containerId, reason: "crowded" })),
  );
});

void test("a plugin that does not understand a list in several messages is sent away", async () => {
  await using engine = await ModelEngine.open();
  await engine.runPod("pod");
  const labels = { filler: "x".repeat(100_000) };
  for (let index = 0; index < 60; index++) await engine.create("pod", `c${index}`, { labels });
  await using plugin = await connectOwn(engine, {});
  await plugin.gone;
  assert.deepEqual(engine.hooks.plugins, []);
});

void test("a plugin that asks for events that do not exist is sent away", async () => {
  await using engine = await ModelEngine.open();
  await using plugin = await connectOwn(engine, { configure: async () => ({ events: 1 << 20 }) });
  await plugin.gone;
  assert.deepEqual(engine.hooks.plugins, []);
});

void test("an update that the engine fails at is a failure of the plugin's call", async () => {
  await using engine = await ModelEngine.open();
  await using plugin = await connectOwn(engine, {});
  await joined(engine);
  engine.update = async () => {
    throw new Error("the disk is full");
  };
  const update = [{ containerId: "c" }];
  await assert.rejects(plugin.runtime.call(Runtime.method.updateContainers, { update }, { signal }), /disk is full/);
});
