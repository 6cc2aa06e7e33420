// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import {
  ContainerStatsFilterSchema,
  ContainerStatsRequestSchema,
  ContainerStatsSchema,
  ListContainerStatsRequestSchema,
  StreamContainerStatsRequestSchema,
} from "../../../gen/runtime/v1/api_pb.js";
import { containerStats, listContainerStats, streamContainerStats } from "./container-stats.ts";
import { everything, podA, podB, StatsWorld } from "./testing/stats-world.ts";

async function statsOf(world: StatsWorld, containerId: string) {
  const request = create(ContainerStatsRequestSchema, { containerId });
  const { stats } = await containerStats(world.deps, request, world.options);
  assert.ok(stats);
  return create(ContainerStatsSchema, stats);
}

async function listedIds(world: StatsWorld, filter?: Parameters<typeof create<typeof ContainerStatsFilterSchema>>[1]) {
  const request = create(ListContainerStatsRequestSchema, filter === undefined ? {} : { filter });
  const { stats } = await listContainerStats(world.deps, request, world.options);
  return (stats ?? []).map(({ attributes }) => attributes?.id);
}

test("tells of a container who it is and what it uses", async () => {
  await using world = new StatsWorld();
  await world.addPod(podA);
  await world.addContainer({ id: "c1", labels: { tier: "web" } });
  const { attributes, cpu, memory, swap, io, writableLayer } = await statsOf(world, "c1");
  assert.equal(attributes?.id, "c1");
  assert.deepEqual([attributes.metadata?.name, attributes.metadata?.attempt], ["c1-name", 1]);
  assert.deepEqual(attributes.labels, { tier: "web" }, "not the image's");
  assert.deepEqual(attributes.annotations, { note: "of a container" });
  const timestamp = 1_700_000_000_123_000_000n;
  assert.deepEqual([cpu?.timestamp, memory?.timestamp, io?.timestamp], [timestamp, timestamp, timestamp]);
  assert.equal(cpu?.usageCoreNanoSeconds?.value, 12_345_678_901n);
  assert.equal(cpu?.usageNanoCores, undefined, "one reading gives no rate");
  assert.equal(cpu?.psi?.Some?.Total, 3_500_000_000n, "nanoseconds");
  assert.equal(io?.psi?.Full?.Avg10, 1.5);
  const { usageBytes, workingSetBytes, availableBytes, rssBytes, pageFaults, majorPageFaults } = memory ?? {};
  assert.deepEqual(
    [usageBytes, workingSetBytes, availableBytes, rssBytes, pageFaults, majorPageFaults].map((field) => field?.value),
    [1000n, 800n, 4096n - 800n, 500n, 60n, 6n],
  );
  assert.deepEqual([swap?.swapUsageBytes?.value, swap?.swapAvailableBytes?.value], [24n, 1000n]);
  assert.deepEqual([writableLayer?.usedBytes?.value, writableLayer?.inodesUsed?.value], [5000n, 4n]);
  assert.equal(writableLayer?.fsId?.mountpoint, "/var/lib/berth/snapshots");
  assert.ok((writableLayer?.timestamp ?? 0n) > timestamp);
});

test("leaves out what nobody knows", async () => {
  await using world = new StatsWorld();
  await world.addContainer({ id: "c1" });
  const { memory } = everything;
  assert.ok(memory);
  const { limitBytes: _limit, swapBytes: _swap, swapLimitBytes: _swapLimit, ...unlimited } = memory;
  world.reader.cgroups.set("/cgroups/c1", { readAt: 1, memory: unlimited, pressure: {} });
  world.layers.clear();
  const stats = await statsOf(world, "c1");
  assert.equal(stats.cpu, undefined);
  assert.equal(stats.memory?.availableBytes, undefined);
  assert.equal(stats.memory?.psi, undefined);
  assert.equal(stats.swap?.swapUsageBytes, undefined);
  assert.equal(stats.io, undefined);
  assert.equal(stats.writableLayer, undefined);
});

test("tells of one that does not run what it wrote, and of an unknown one nothing", async () => {
  await using world = new StatsWorld();
  await world.addContainer({ id: "c1", running: false });
  await world.addContainer({ id: "d0", pod: false });
  const { attributes, cpu, writableLayer } = await statsOf(world, "c1");
  assert.deepEqual([attributes?.id, cpu, writableLayer?.usedBytes?.value], ["c1", undefined, 5000n]);
  for (const id of ["c2", "d0"]) await assert.rejects(statsOf(world, id), { code: "not-found" });
  await assert.rejects(statsOf(world, ""), { code: "invalid-argument" });
});

test("lists running containers of pods, and of these what the filter lets through", async () => {
  await using world = new StatsWorld();
  for (const id of [podA, podB]) await world.addPod(id);
  await world.addContainer({ id: "aa1", labels: { app: "x", tier: "web" } });
  await world.addContainer({ id: "aa2", sandboxId: podB, labels: { app: "x" } });
  await world.addContainer({ id: "bb1", sandboxId: podB });
  await world.addContainer({ id: "cc2", running: false });
  await world.addContainer({ id: "d0", pod: false });
  assert.deepEqual(await listedIds(world), ["aa1", "aa2", "bb1"]);
  assert.deepEqual(await listedIds(world, {}), ["aa1", "aa2", "bb1"]);
  assert.deepEqual(await listedIds(world, { id: "aa2" }), ["aa2"]);
  assert.deepEqual(await listedIds(world, { id: "bb" }), ["bb1"], "the only one that begins so");
  assert.deepEqual(await listedIds(world, { id: "cc2" }), [], "it does not run");
  await assert.rejects(listedIds(world, { id: "aa" }), { code: "invalid-argument" });
  assert.deepEqual(await listedIds(world, { podSandboxId: podB }), ["aa2", "bb1"]);
  assert.deepEqual(await listedIds(world, { podSandboxId: "f0c1" }), []);
  assert.deepEqual(await listedIds(world, { labelSelector: { app: "x" } }), ["aa1", "aa2"]);
  assert.deepEqual(await listedIds(world, { labelSelector: { app: "x", tier: "web" } }), ["aa1"]);
  assert.deepEqual(await listedIds(world, { labelSelector: { app: "x" }, podSandboxId: podB }), ["aa2"]);
});

test("one container that cannot be read keeps nobody from seeing the others", async () => {
  await using world = new StatsWorld();
  for (const id of ["c1", "c2"]) await world.addContainer({ id });
  world.reader.cgroups.set("/cgroups/c1", new Error("broken"));
  assert.deepEqual(await listedIds(world), ["c1", "c2"]);
  assert.equal((await statsOf(world, "c1")).cpu, undefined);
});

test("streams every container once, and reads no more than the client takes", async () => {
  await using world = new StatsWorld();
  const request = create(StreamContainerStatsRequestSchema);
  const nothing = streamContainerStats(world.deps, request, world.options);
  assert.deepEqual(await nothing.next(), { done: true, value: undefined });
  const ids = Array.from({ length: 120 }, (_, index) => `c${index.toString().padStart(3, "0")}`);
  for (const id of ids) await world.addContainer({ id });
  const found: unknown[] = [];
  let messages = 0;
  for await (const { containerStats: part = [] } of streamContainerStats(world.deps, request, world.options)) {
    assert.ok(part.length > 0);
    found.push(...part.map(({ attributes }) => attributes?.id));
    messages++;
    assert.equal(world.reader.reads, found.length);
  }
  assert.deepEqual(found, ids);
  assert.ok(messages > 1);
});
