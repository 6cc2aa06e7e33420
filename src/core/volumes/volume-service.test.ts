// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { armFailpoint } from "../../base/failpoint.ts";
import { silentLogger } from "../../base/log.ts";
import { localBindSources } from "../../drivers/volume/local/bind-sources.ts";
import { openLocalVolumes } from "../../drivers/volume/local/local-volumes.ts";
import { openMemoryStore } from "../../storage/memory/memory-store.ts";
import { VolumeService } from "./volume-service.ts";

async function world(t: TestContext) {
  const directory = await mkdtemp(path.join(tmpdir(), "berth-volumes-"));
  t.after(async () => await rm(directory, { recursive: true }));
  const root = path.join(directory, "volumes");
  const store = openMemoryStore();
  const users = new Map<string, readonly string[]>();
  const volumes = new VolumeService({
    store,
    driver: openLocalVolumes({ root }),
    bindSources: localBindSources,
    usersOf: (_reader, name) => users.get(name) ?? [],
    logger: silentLogger,
  });
  return { directory, root, users, volumes };
}

const noLabels = { labels: {} };

/** As if the daemon had died there. */
function dieAt(name: string): Disposable {
  return armFailpoint(name, () => {
    throw new Error("killed");
  });
}

test("a volume is made once and found again with its labels", async (t) => {
  const { root, volumes } = await world(t);
  const first = await volumes.ensure("data", { labels: { a: "1" } });
  const second = await volumes.ensure("data", { labels: { a: "2" } });
  assert.equal(first.isNew, true);
  assert.deepEqual(second, { volume: first.volume, isNew: false });
  assert.equal(first.volume.path, path.join(root, "data", "_data"));
  assert.equal((await stat(first.volume.path)).mode & 0o777, 0o755);
  assert.equal((await stat(path.join(root, "data"))).mode & 0o777, 0o711);
  assert.deepEqual(volumes.list(), [volumes.get("data")]);
});

test("a volume without a name gets 64 digits and is anonymous", async (t) => {
  const { volumes } = await world(t);
  const { volume } = await volumes.ensure(undefined, noLabels);
  assert.match(volume.name, /^[0-9a-f]{64}$/);
  assert.equal(volume.anonymous, true);
});

test("many who ask at once get one volume", async (t) => {
  const { volumes } = await world(t);
  const answers = await Promise.all(Array.from({ length: 8 }, async () => await volumes.ensure("data", noLabels)));
  assert.equal(answers.filter((answer) => answer.isNew).length, 1);
});

test("a volume in use stays, with Docker's text", async (t) => {
  const { users, volumes } = await world(t);
  await volumes.ensure("data", noLabels);
  users.set("data", ["c0ffee", "beef"]);
  await assert.rejects(volumes.remove("data"), {
    code: "conflict",
    message: "remove data: volume is in use - [c0ffee, beef]",
  });
  users.clear();
  await volumes.remove("data");
  await assert.rejects(volumes.remove("data"), { code: "not-found", message: "no such volume: data" });
});

test("removing takes the data with it", async (t) => {
  const { root, volumes } = await world(t);
  const { volume } = await volumes.ensure("data", noLabels);
  await mkdir(path.join(volume.path, "deep"));
  await writeFile(path.join(volume.path, "deep/file"), "x");
  await volumes.remove("data");
  assert.deepEqual(await readdir(root), []);
  assert.deepEqual(volumes.list(), []);
});

const badNames: readonly [name: string, message: RegExp][] = [
  ["../up", /^create \.\.\/up: "\.\.\/up" includes invalid characters for a local volume name, only/],
  ["a/b", /includes invalid characters/],
  [".hidden", /includes invalid characters/],
  ["x", /volume name is too short, names should be at least two alphanumeric characters/],
  ["a".repeat(256), /volume name is too long/],
];
for (const [name, message] of badNames) {
  test(`the name ${name.slice(0, 10)} is refused`, async (t) => {
    const { directory, volumes } = await world(t);
    await assert.rejects(volumes.ensure(name, noLabels), { code: "invalid-argument", message });
    assert.deepEqual(await readdir(directory), []);
  });
}

test("a creation that was cut short leaves nothing after the next start", async (t) => {
  const { root, volumes } = await world(t);
  using _dies = dieAt("volume:created");
  await assert.rejects(volumes.ensure("data", noLabels));
  assert.deepEqual(await readdir(root), ["data"]);
  await volumes.recover();
  assert.deepEqual(await readdir(root), []);
  assert.deepEqual(volumes.list(), []);
});

test("a removal that was cut short is invisible at once and finished at the next start", async (t) => {
  const { root, volumes } = await world(t);
  const { volume } = await volumes.ensure("data", noLabels);
  await writeFile(path.join(volume.path, "file"), "x");
  {
    using _dies = dieAt("volume:removing");
    await assert.rejects(volumes.remove("data"));
  }
  assert.equal(volumes.find("data"), undefined);
  assert.deepEqual(volumes.list(), []);
  await volumes.recover();
  assert.deepEqual(await readdir(root), []);
});

test("a name whose removal was cut short gives a new, empty volume", async (t) => {
  const { volumes } = await world(t);
  const { volume } = await volumes.ensure("data", noLabels);
  await writeFile(path.join(volume.path, "old"), "x");
  {
    using _dies = dieAt("volume:removing");
    await assert.rejects(volumes.remove("data"));
  }
  const again = await volumes.ensure("data", noLabels);
  assert.equal(again.isNew, true);
  assert.deepEqual(await readdir(again.volume.path), []);
});

test("data without a record is adopted, a record without a directory gets one", async (t) => {
  const { root, volumes } = await world(t);
  const { volume } = await volumes.ensure("lost", noLabels);
  await rm(path.join(root, "lost"), { recursive: true });
  await mkdir(path.join(root, "found/_data"), { recursive: true });
  await writeFile(path.join(root, "found/_data/file"), "precious");
  await volumes.recover();
  assert.equal(await readFile(path.join(volumes.get("found").path, "file"), "utf8"), "precious");
  assert.deepEqual(await readdir(volume.path), []);
});

test("a directory with anything else in it is not taken for an empty volume", async (t) => {
  const { root, volumes } = await world(t);
  await mkdir(path.join(root, "strange/other"), { recursive: true });
  await volumes.recover();
  assert.deepEqual((await readdir(path.join(root, "strange"))).toSorted(), ["_data", "other"]);
});

test("the source of a bind must be there, or is made where that was asked", async (t) => {
  const { directory, volumes } = await world(t);
  const source = path.join(directory, "a/b");
  await assert.rejects(volumes.checkBindSource(source, { create: false }), {
    code: "invalid-argument",
    message: `invalid mount config for type "bind": bind source path does not exist: ${source}`,
  });
  await volumes.checkBindSource(source, { create: true });
  await volumes.checkBindSource(source, { create: false });
  assert.equal((await stat(source)).isDirectory(), true);
});

test("a volume that a container is being created with stays, until that has come to its end", async (t) => {
  const { volumes } = await world(t);
  {
    using _first = await volumes.acquire("data", noLabels);
    using _second = await volumes.acquire("data", noLabels);
    await assert.rejects(volumes.remove("data"), {
      code: "conflict",
      message: "remove data: volume is in use by a container that is being created",
    });
  }
  await volumes.remove("data");
  await assert.rejects(volumes.acquire("a/b", noLabels), /invalid characters/);
});
