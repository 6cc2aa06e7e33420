// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { codeOf, EngineError, type ErrorCode } from "../../base/errors.ts";
import { makeTar, readTar } from "../../oci/archive/testing/tar-files.ts";
import { openImageWorld, storeImage } from "../images/testing/image-world.ts";
import { saveImages } from "./archive-export.ts";
import { importFilesystem, loadImages } from "./archive-import.ts";

const platform = { os: "linux", architecture: "amd64" };
const signal = new AbortController().signal;
const options = { changes: [], message: undefined, platform: undefined, reference: undefined, signal };
const sha = (bytes: string | Uint8Array) => createHash("sha256").update(bytes).digest("hex");

async function openWorld() {
  const world = await openImageWorld();
  const deps = { ...world, platform };
  return {
    ...deps,
    load: (archive: Buffer, size = 7000) => loadImages(deps, pieces(archive, size), { signal }),
    save: async (...names: string[]) => Buffer.concat(await Array.fromAsync(saveImages(deps, names, { signal }))),
    import: (archive: Buffer, more: object = {}) =>
      importFilesystem(deps, pieces(archive, 999), { ...options, ...more }),
  };
}

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

const layers = [makeTar({ path: "a", data: "one" }), makeTar({ path: "b", data: "two" })];

test("what is saved is loaded elsewhere under the same names and ids, compressed or not", async () => {
  await using here = await openWorld();
  const target = await storeImage(here.content, { layers: layers.map((layer) => layer.toString("latin1")) });
  await here.images.put("docker.io/library/app:1", target);
  await here.images.put("registry.test/team/app:latest", target);
  const archive = await here.save("app:1", "registry.test/team/app");
  assert.deepEqual(await here.save("app:1", "registry.test/team/app"), archive);
  for (const form of [archive, gzipSync(archive)]) {
    await using there = await openWorld();
    const [loaded] = await there.load(form);
    assert.deepEqual(loaded?.names, ["docker.io/library/app:1", "registry.test/team/app:latest"]);
    assert.equal(there.images.resolve("app:1").id, here.images.resolve("app:1").id);
    assert.equal(there.images.resolve("registry.test/team/app").target.digest, target.digest);
  }
});

test("a saved archive has Docker's manifest and an OCI index", async () => {
  await using world = await openWorld();
  const target = await storeImage(world.content, { layers: ["x"] });
  const { id } = await world.images.put("docker.io/library/app:latest", target);
  const files = new Map(readTar(await world.save("app", id)).map((entry) => [entry.path, entry.data.toString()]));
  const [docker] = JSON.parse(files.get("manifest.json") ?? "") as readonly [Record<string, unknown>];
  assert.deepEqual(docker["RepoTags"], ["app:latest"]);
  assert.equal(files.get(String((docker["Layers"] as string[])[0])), "x");
  assert.equal(sha(files.get(String(docker["Config"])) ?? ""), id.slice(7));
  const index = JSON.parse(files.get("index.json") ?? "") as { manifests: { annotations: Record<string, string> }[] };
  assert.deepEqual(index.manifests[0]?.annotations, {
    "io.containerd.image.name": "docker.io/library/app:latest",
    "org.opencontainers.image.ref.name": "latest",
  });
  assert.equal(files.get("oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
});

const config = JSON.stringify({
  ...platform,
  rootfs: { type: "layers", diff_ids: layers.map((layer) => `sha256:${sha(layer)}`) },
});
const legacy = (manifest: object) =>
  makeTar(
    { path: "1/layer.tar", data: layers[0] as Buffer },
    { path: "2/real.tar", data: gzipSync(layers[1] as Buffer) },
    { path: "2/layer.tar", kind: "symlink", linkTarget: "../2/real.tar" },
    { path: `${sha(config)}.json`, data: config },
    { path: "manifest.json", data: JSON.stringify([manifest]) },
  );
const item = { Config: `${sha(config)}.json`, RepoTags: ["old:1"], Layers: ["1/layer.tar", "2/layer.tar"] };

test("Docker's older archives are loaded", async () => {
  await using world = await openWorld();
  const [loaded] = await world.load(legacy(item));
  assert.deepEqual(loaded?.names, ["docker.io/library/old:1"]);
  assert.equal(loaded?.image.id, `sha256:${sha(config)}`);
  assert.equal(world.images.resolve("old:1").layers.length, 2);
  const [nameless] = await world.load(legacy({ ...item, RepoTags: null }));
  assert.deepEqual(nameless?.names, []);
});

const refused: readonly (readonly [what: string, archive: Buffer, code: ErrorCode, message: RegExp])[] = [
  [
    "something else",
    makeTar({ path: "readme", data: "x" }),
    "invalid-argument",
    /neither index.json nor manifest.json/,
  ],
  ["no tar", Buffer.from("x".repeat(2000)), "data-loss", /malformed tar archive/],
  ["cut short", legacy(item).subarray(0, 3000), "data-loss", /truncated/],
  ["damaged gzip", gzipSync(legacy(item)).subarray(0, -20), "data-loss", /compression is damaged/],
  [
    "missing layer",
    legacy({ ...item, Layers: ["1/layer.tar", "3/layer.tar"] }),
    "data-loss",
    /has no file 3\/layer.tar/,
  ],
  ["missing config", legacy({ ...item, Config: "nope.json" }), "data-loss", /has no file nope.json/],
  ["too few layers", legacy({ ...item, Layers: [] }), "invalid-argument", /lists 2 layers/],
  ["bad name", legacy({ ...item, RepoTags: ["UPPER"] }), "invalid-argument", /must be lowercase/],
  ["wrong digest", makeTar({ path: `blobs/sha256/${sha("a")}`, data: "b" }), "data-loss", /sha256/],
  ["no digest", makeTar({ path: "blobs/sha256/zz", data: "b" }), "invalid-argument", /not named by a digest/],
];

for (const [what, archive, code, message] of refused) {
  test(`load refuses: ${what}`, async () => {
    await using world = await openWorld();
    await assert.rejects(world.load(archive), (error: Error) => {
      assert.match(error.message, message);
      assert.equal(codeOf(error), code);
      return true;
    });
    assert.deepEqual(world.images.list(), []);
  });
}

test("a root file system becomes an image with the changes", async () => {
  await using world = await openWorld();
  const [layer] = layers as [Buffer];
  for (const form of [layer, gzipSync(layer)]) {
    const changes = ['CMD ["/a"]', "ENV X=1"];
    const image = await world.import(form, { changes, message: "made by hand", reference: "docker.io/library/base:1" });
    assert.deepEqual(image.config.config, { Cmd: ["/a"], Env: ["X=1"] });
    assert.deepEqual(image.config.rootfs.diff_ids, [`sha256:${sha(layer)}`]);
    assert.equal(image.config.history?.[0]?.comment, "made by hand");
    const blob = await world.content.read(image.layers[0]?.digest as never, { maximumBytes: 1e6 });
    assert.deepEqual(gunzipSync(blob), layer);
    assert.equal(world.images.resolve("base:1").id, image.id);
  }
  await assert.rejects(world.import(Buffer.from("x".repeat(600))), /malformed tar archive/);
  await assert.rejects(world.import(layer, { changes: ["RUN x"] }), /RUN is not a valid change command/);
});

test("an image whose layers cannot be unpacked is not there after load", async () => {
  await using world = await openWorld();
  world.snapshotter.apply = () => Promise.reject(new EngineError("data-loss", "not its content"));
  await assert.rejects(world.load(legacy(item)), /load the archive: not its content/);
  assert.deepEqual(world.images.list(), []);
});
