// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { codeOf, messageOf } from "../../base/errors.ts";
import { mediaTypes } from "./descriptor.ts";
import {
  checkIndexDepth,
  checkUnpackable,
  maximumConfigBytes,
  maximumIndexDepth,
  maximumManifestBytes,
  parseImageConfig,
  parseIndex,
  parseManifest,
  parseManifestDocument,
} from "./parse-documents.ts";

const digest = `sha256:${"a".repeat(64)}`;
const descriptor = { mediaType: mediaTypes.ociLayerGzip, digest, size: 10 };
const config = { mediaType: mediaTypes.ociConfig, digest, size: 20 };
const manifest = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers: [descriptor] };
const index = {
  schemaVersion: 2,
  mediaType: mediaTypes.ociIndex,
  manifests: [{ mediaType: mediaTypes.ociManifest, digest, size: 3, platform: { os: "linux", architecture: "amd64" } }],
};
const imageConfig = { os: "linux", architecture: "amd64", rootfs: { type: "layers", diff_ids: [digest] } };
const bytes = (value: unknown) => new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));

test("a manifest and an index come back as they were written", () => {
  assert.deepEqual(parseManifest(bytes(manifest), mediaTypes.ociManifest), manifest);
  assert.deepEqual(parseIndex(bytes(index), mediaTypes.ociIndex), index);
});

test("the announced type may be generic, carry parameters or be absent", () => {
  const { mediaType: _mediaType, ...untyped } = index;
  assert.equal(parseManifestDocument(bytes(manifest), "application/json").kind, "manifest");
  assert.equal(parseManifestDocument(bytes(manifest), `${mediaTypes.ociManifest}; charset=utf-8`).kind, "manifest");
  assert.equal(parseManifestDocument(bytes(untyped), undefined).kind, "index");
  assert.equal(
    parseManifestDocument(bytes(untyped), mediaTypes.dockerManifestList).mediaType,
    mediaTypes.dockerManifestList,
  );
});

const refusedManifests: readonly (readonly [what: string, document: unknown, message: RegExp])[] = [
  ["no JSON", "{", /manifest is not valid JSON/],
  ["a list", "[]", /not a JSON object/],
  ["invalid UTF-8", Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d), /not valid JSON/],
  ["schema 1", { schemaVersion: 1 }, /schema version 1, which is obsolete/],
  ["no schema version", { ...manifest, schemaVersion: undefined }, /no schemaVersion 2/],
  ["manifests and layers", { ...manifest, manifests: [] }, /ambiguous/],
  ["manifests and config", { ...index, mediaType: undefined, config }, /ambiguous/],
  ["another media type", { ...manifest, mediaType: mediaTypes.dockerManifest }, /announced as/],
  ["a media type of no manifest", { ...manifest, mediaType: "text/html" }, /announced as/],
  ["a digest that leaves", { ...manifest, config: { ...config, digest: "sha256:../../etc" } }, /malformed digest/],
  ["an unknown algorithm", { ...manifest, config: { ...config, digest: `md5:${"a".repeat(32)}` } }, /malformed digest/],
  ["a negative size", { ...manifest, layers: [{ ...descriptor, size: -1 }] }, /layer 0 has the impossible size -1/],
  ["a size past 2^53", { ...manifest, layers: [{ ...descriptor, size: 2 ** 60 }] }, /impossible size/],
  ["a fractional size", { ...manifest, layers: [{ ...descriptor, size: 1.5 }] }, /impossible size/],
  ["a size in text", { ...manifest, layers: [{ ...descriptor, size: "10" }] }, /impossible size/],
  ["no config", { ...manifest, config: undefined }, /no config/],
  ["no layers", { ...manifest, layers: undefined }, /no list of layers/],
  ["too many layers", { ...manifest, layers: Array(600).fill(descriptor) }, /more than 512 layers/],
  ["annotations of numbers", { ...manifest, annotations: { a: 1 } }, /annotations/],
  ["a repeated key", JSON.stringify(manifest).replace("{", '{"layers":[],'), /key "layers" twice/],
  ["a repeated key in escapes", JSON.stringify(manifest).replace("{", '{"l\\u0061yers":[],'), /key "layers" twice/],
  ["a repeated key below", JSON.stringify(manifest).replace('"size":20', '"size":20,"size":21'), /key "size" twice/],
];

for (const [what, document, message] of refusedManifests) {
  test(`a manifest with ${what} is refused`, () => {
    const content = document instanceof Uint8Array ? document : bytes(document);
    assert.throws(
      () => parseManifestDocument(content, mediaTypes.ociManifest),
      (error) => codeOf(error) === "failed-precondition" && message.test(messageOf(error)),
    );
  });
}

test("keys that look alike in different objects and in strings are not repeated", () => {
  const annotated = { ...manifest, annotations: { a: '{"x":1,"x":2}', b: 'a","a":"\\' } };
  assert.deepEqual(parseManifest(bytes(annotated), mediaTypes.ociManifest), annotated);
});

test("a manifest where an index is wanted is refused, and the other way round", () => {
  assert.throws(() => parseIndex(bytes(manifest)), /expected an image index/);
  assert.throws(() => parseManifest(bytes(index)), /expected an image manifest/);
});

test("documents over the limits are refused", () => {
  const over = (size: number) => new Uint8Array(size + 1).fill(0x20);
  assert.throws(() => parseManifestDocument(over(maximumManifestBytes), undefined), { code: "resource-exhausted" });
  assert.throws(() => parseImageConfig(over(maximumConfigBytes)), { code: "resource-exhausted" });
});

test("an image config keeps what it says and refuses wrong types", () => {
  const full = {
    ...imageConfig,
    config: { Cmd: ["sh"], Entrypoint: null, Labels: { a: "b" }, Env: ["A=1"] },
    "x-own": 1,
  };
  assert.deepEqual(parseImageConfig(bytes(full)), full);
  assert.throws(
    () => parseImageConfig(bytes({ ...imageConfig, rootfs: { type: "layers", diff_ids: ["x"] } })),
    /diff_ids/,
  );
  assert.throws(() => parseImageConfig(bytes({ ...imageConfig, os: 1 })), /no os/);
  assert.throws(() => parseImageConfig(bytes({ ...imageConfig, config: { Cmd: "sh" } })), /Cmd that is not a list/);
  assert.throws(() => parseImageConfig(bytes({ ...imageConfig, config: { User: 0 } })), /User that is not text/);
  assert.throws(() => parseImageConfig(bytes({ ...imageConfig, config: { Labels: { a: 1 } } })), /labels/);
});

test("artifacts, unknown layers and missing diff ids cannot be unpacked", () => {
  const image = parseManifest(bytes(manifest));
  checkUnpackable(image, parseImageConfig(bytes(imageConfig)));
  const artifact = parseManifest(
    bytes({ ...manifest, config: { ...config, mediaType: "application/vnd.wasm.config.v0+json" } }),
  );
  assert.throws(() => checkUnpackable(artifact), /not a container image.*wasm/);
  const odd = parseManifest(
    bytes({ ...manifest, layers: [{ ...descriptor, mediaType: "application/vnd.erofs.layer.v1" }] }),
  );
  assert.throws(() => checkUnpackable(odd), /unsupported media type/);
  const two = parseManifest(bytes({ ...manifest, layers: [descriptor, descriptor] }));
  assert.throws(() => checkUnpackable(two, parseImageConfig(bytes(imageConfig))), /lists 1 layers and its manifest 2/);
});

test("indexes inside indexes end", () => {
  checkIndexDepth(maximumIndexDepth);
  assert.throws(() => checkIndexDepth(maximumIndexDepth + 1), { code: "failed-precondition" });
});
