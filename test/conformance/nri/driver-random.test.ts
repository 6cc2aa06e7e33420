// SPDX-License-Identifier: Apache-2.0
// Plugins that join and leave at any moment while containers come and go: nothing is lost, nothing comes twice.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { Event } from "../../../src/gen/nri/pkg/api/v1alpha1/api_pb.js";
import { ModelEngine } from "./model-engine.ts";
import { connectOwn } from "./own-plugin.ts";

/** Numbers below the limit that look random, the same for the same seed (mulberry32). */
function numbers(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

/** What one plugin was told of each container, in order. */
class Witness {
  readonly told = new Map<string, string[]>();
  hasList = false;

  tell(id: string | undefined, what: string): void {
    if (id === undefined) return;
    this.told.set(id, [...(this.told.get(id) ?? []), what]);
  }
}

async function witness(engine: ModelEngine, random: (limit: number) => number) {
  const seen = new Witness();
  const handle =
    (what: string) =>
    async ({ container }: { readonly container?: { readonly id: string } | undefined }) => {
      seen.tell(container?.id, what);
      await pause(random(4));
      return {};
    };
  const plugin = await connectOwn(engine, {
    // All but the judgement, which a plugin that leaves would refuse.
    configure: async () => ({ events: (1 << (Event.VALIDATE_CONTAINER_ADJUSTMENT - 1)) - 1 }),
    synchronize: async ({ containers }) => {
      for (const { id } of containers) seen.tell(id, "listed");
      await pause(random(20));
      seen.hasList = true;
      return {};
    },
    runPodSandbox: async () => ({}),
    createContainer: handle("create"),
    postCreateContainer: async () => ({}),
    startContainer: async () => ({}),
    postStartContainer: async () => ({}),
    stopContainer: handle("stop"),
    removeContainer: handle("remove"),
  });
  return { plugin, seen };
}

/** A container's life: made, and perhaps ended or removed, with waits in between. */
async function live(engine: ModelEngine, id: string, random: (limit: number) => number): Promise<void> {
  const [steps, waits] = [random(4), [random(10), random(10), random(10)]];
  await engine.create("pod", id);
  await pause(waits[0]);
  if (steps > 0) await engine.start(id);
  await pause(waits[1]);
  if (steps > 1) await engine.stop(id);
  await pause(waits[2]);
  if (steps > 2) await engine.remove(id);
}

const possible = [
  ["listed"],
  ["create"],
  ["listed", "stop"],
  ["create", "stop"],
  ["listed", "stop", "remove"],
  ["create", "stop", "remove"],
  // It had ended before the plugin came.
  ["remove"],
].map((each) => each.join(" "));

for (const seed of [1, 2, 3, 4, 5, 6]) {
  void test(`whatever the moment, a plugin is told of each container once, and of its end (seed ${seed})`, async () => {
    const random = numbers(seed);
    await using engine = await ModelEngine.open();
    await engine.runPod("pod");
    const witnesses: Witness[] = [];
    let left = 0;
    const lives = Array.from({ length: 60 }, async (_, index) => {
      await pause(random(150));
      await live(engine, `c${index}`, random);
    });
    const visits = Array.from({ length: 8 }, async () => {
      await pause(random(120));
      const { plugin, seen } = await witness(engine, random);
      if (random(3) === 0) {
        await pause(random(40));
        await plugin[Symbol.asyncDispose]();
        left++;
        return;
      }
      witnesses.push(seen);
    });
    await Promise.all([...lives, ...visits]);
    await engine.create("pod", "last");
    assert.equal(engine.hooks.plugins.length, visits.length - left);
    for (const { told, hasList } of witnesses) {
      assert.ok(hasList);
      for (const [id, what] of told) assert.ok(possible.includes(what.join(" ")), `${id}: ${what.join(" ")}`);
      for (const { id, state } of engine.containers.values()) {
        if (state !== "stopped")
          assert.ok(["create", "listed"].includes(told.get(id)?.join(" ") ?? ""), `${id} is missing`);
      }
    }
  });
}
