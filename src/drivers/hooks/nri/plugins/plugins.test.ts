// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { silentLogger } from "../../../../base/log.ts";
import { Event, SynchronizeRequestSchema } from "../../../../gen/nri/pkg/api/v1alpha1/api_pb.js";
import { Subscription } from "./events.ts";
import { findInstalledPlugins } from "./installed-plugins.ts";
import { checkPluginName, parsePluginName } from "./plugin-name.ts";
import { splitInventory } from "./split-inventory.ts";

void test("a plugin's file is named by its index and its name", () => {
  assert.deepEqual(parsePluginName("00-a-b.c+d_E"), { index: "00", base: "a-b.c+d_E" });
  for (const name of ["a-b", "1-b", "001-b", "10-", "10", "", "10-a b", "10-a/b", "10-ä"]) {
    assert.throws(() => parsePluginName(name), { code: "invalid-argument" }, name);
  }
  assert.throws(() => checkPluginName({ index: "1a", base: "x" }), { code: "invalid-argument" });
});

void test("no events stand for all of them, and unknown ones are refused", () => {
  assert.ok(new Subscription(0).includes(Event.VALIDATE_CONTAINER_ADJUSTMENT));
  const some = new Subscription((1 << (Event.STOP_CONTAINER - 1)) | 1);
  assert.deepEqual(
    [Event.RUN_POD_SANDBOX, Event.STOP_CONTAINER, Event.REMOVE_CONTAINER].map((event) => some.includes(event)),
    [true, true, false],
  );
  assert.throws(() => new Subscription(1 << (Event.LAST - 1)), { code: "invalid-argument" });
});

void test("a list is cut where a message would be too long, and nothing is lost", () => {
  const pods = Array.from({ length: 5 }, (_, index) => ({ id: `p${index}`, name: "x".repeat(50) }));
  const containers = Array.from({ length: 7 }, (_, index) => ({ id: `c${index}`, name: "x".repeat(80) }));
  const limit = 300;
  const parts = splitInventory({ pods, containers }, limit).map((part) => create(SynchronizeRequestSchema, part));
  for (const part of parts) assert.ok(toBinary(SynchronizeRequestSchema, part).length <= limit + 2);
  assert.deepEqual(
    parts.map(({ more }) => more),
    parts.map((_, index) => index < parts.length - 1),
  );
  assert.ok(parts.length > 2);
  assert.deepEqual(
    parts.flatMap((part) => [...part.pods, ...part.containers].map(({ id }) => id)),
    [...pods, ...containers].map(({ id }) => id),
  );
  assert.deepEqual(splitInventory({ pods: [], containers: [] }), [{ pods: [], containers: [], more: false }]);
});

void test("installed plugins are the executables with such names, each with its own configuration", async (t) => {
  const root = await mkdtemp(path.join(tmpdir(), "berth-nri-unit-"));
  t.after(async () => await rm(root, { recursive: true }));
  const [plugins, configs] = [path.join(root, "plugins"), path.join(root, "conf.d")];
  assert.deepEqual(await findInstalledPlugins(plugins, configs, silentLogger), []);
  await mkdir(path.join(plugins, "05-directory"), { recursive: true });
  await mkdir(configs);
  for (const [name, text, mode] of [
    ["20-b", "#!/bin/sh\n", 0o755],
    ["10-b", "#!/bin/sh\n", 0o755],
    ["30-c", "#!/bin/sh\n", 0o644],
    ["40-wasm", "\0asm\x01\0\0\0", 0o755],
    ["d", "#!/bin/sh\n", 0o755],
    ["50-e", "", 0o755],
  ] as const) {
    await writeFile(path.join(plugins, name), text);
    await chmod(path.join(plugins, name), mode);
  }
  await writeFile(path.join(configs, "b.conf"), "shared");
  await writeFile(path.join(configs, "20-b.conf"), "own");
  const found = await findInstalledPlugins(plugins, configs, silentLogger);
  assert.deepEqual(
    found.map(({ name, config }) => [name.index, name.base, config]),
    [
      ["10", "b", "shared"],
      ["20", "b", "own"],
      ["50", "e", ""],
    ],
  );
});
