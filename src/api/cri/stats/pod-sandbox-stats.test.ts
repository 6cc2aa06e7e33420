// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import {
  ListPodSandboxStatsRequestSchema,
  PodSandboxStatsFilterSchema,
  PodSandboxStatsRequestSchema,
  PodSandboxStatsSchema,
  StreamPodSandboxStatsRequestSchema,
} from "../../../gen/runtime/v1/api_pb.js";
import { listPodSandboxStats, podSandboxStats, streamPodSandboxStats } from "./pod-sandbox-stats.ts";
import { podA, podB, StatsWorld } from "./testing/stats-world.ts";

async function statsOf(world: StatsWorld, podSandboxId: string) {
  const request = create(PodSandboxStatsRequestSchema, { podSandboxId });
  const { stats } = await podSandboxStats(world.deps, request, world.options);
  assert.ok(stats);
  return create(PodSandboxStatsSchema, stats);
}

async function listedIds(world: StatsWorld, filter?: Parameters<typeof create<typeof PodSandboxStatsFilterSchema>>[1]) {
  const request = create(ListPodSandboxStatsRequestSchema, filter === undefined ? {} : { filter });
  const { stats } = await listPodSandboxStats(world.deps, request, world.options);
  return (stats ?? []).map(({ attributes }) => attributes?.id);
}

test("tells of a pod what it uses as a whole, and each of its running containers", async () => {
  await using world = new StatsWorld();
  await world.addPod(podA);
  await world.addPod(podB);
  await world.addContainer({ id: "c1" });
  await world.addContainer({ id: "c2", sandboxId: podB });
  await world.addContainer({ id: "c3", running: false });
  const { attributes, linux } = await statsOf(world, podA);
  const { name, uid, namespace, attempt } = attributes?.metadata ?? {};
  assert.deepEqual([attributes?.id, name, uid, namespace, attempt], [podA, `${podA}-name`, `${podA}-uid`, "space", 2]);
  assert.deepEqual([attributes?.labels, attributes?.annotations], [{ app: podA }, { note: "of a pod" }]);
  assert.equal(linux?.cpu?.usageCoreNanoSeconds?.value, 12_345_678_901n);
  assert.equal(linux?.memory?.workingSetBytes?.value, 800n);
  assert.equal(linux?.process?.processCount?.value, 9n);
  assert.equal(linux?.io?.psi?.Some?.Total, 3_500_000_000n);
  assert.deepEqual(
    linux?.containers.map((container) => [container.attributes?.id, container.cpu !== undefined]),
    [["c1", true]],
  );
});

test("the network's default interface is the one that was attached first, and is not among the others", async () => {
  await using world = new StatsWorld();
  await world.addPod(podA);
  const { defaultInterface, interfaces, timestamp } = (await statsOf(world, podA)).linux?.network ?? {};
  const { name, rxBytes, rxErrors, txBytes, txErrors } = defaultInterface ?? {};
  assert.deepEqual(
    [name, rxBytes?.value, rxErrors?.value, txBytes?.value, txErrors?.value],
    ["eth0", 300n, 302n, 400n, 402n],
  );
  assert.deepEqual(
    interfaces?.map((other) => other.name),
    ["eth1"],
  );
  assert.ok((timestamp ?? 0n) > 0n);
  world.reader.networks.clear(); // such as that of the host
  assert.equal((await statsOf(world, podA)).linux?.network, undefined);
});

test("a pod without a cgroup of its own uses what its containers use", async () => {
  await using world = new StatsWorld();
  await world.addPod(podA, { cgroupParent: "" });
  for (const id of ["c1", "c2"]) await world.addContainer({ id });
  const { cpu, memory, process } = (await statsOf(world, podA)).linux ?? {};
  assert.equal(cpu?.usageCoreNanoSeconds?.value, 2n * 12_345_678_901n);
  assert.deepEqual([memory?.usageBytes?.value, memory?.pageFaults?.value], [2000n, 120n]);
  assert.equal(memory?.availableBytes, undefined);
  assert.equal(process?.processCount?.value, 18n);
});

test("lists ready pods that the filter lets through, and tells of others who they are", async () => {
  await using world = new StatsWorld();
  await world.addPod(podA);
  await world.addPod(podB);
  await world.addPod("e0", { status: "not-ready" });
  await world.addPod("e1", { phase: "starting" });
  assert.deepEqual(await listedIds(world), [podA, podB]);
  assert.deepEqual(await listedIds(world, { id: podB }), [podB]);
  assert.deepEqual(await listedIds(world, { id: "e0" }), []);
  assert.deepEqual(await listedIds(world, { labelSelector: { app: podA } }), [podA]);
  const old = await statsOf(world, "e0");
  assert.deepEqual([old.attributes?.id, old.linux?.cpu], ["e0", undefined]);
  for (const id of ["e1", "e3"]) await assert.rejects(statsOf(world, id), { code: "not-found" });
  for (const id of ["f0", ""]) await assert.rejects(statsOf(world, id), { code: "invalid-argument" });
});

test("streams every pod once", async () => {
  await using world = new StatsWorld();
  const ids = Array.from({ length: 60 }, (_, index) => `f0c${index.toString().padStart(3, "0")}`);
  for (const id of ids) await world.addPod(id);
  const found: unknown[] = [];
  const request = create(StreamPodSandboxStatsRequestSchema);
  for await (const { podSandboxStats: part = [] } of streamPodSandboxStats(world.deps, request, world.options)) {
    assert.ok(part.length > 0);
    found.push(...part.map(({ attributes }) => attributes?.id));
  }
  assert.deepEqual(found, ids);
});
