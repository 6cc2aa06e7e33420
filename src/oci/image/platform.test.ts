// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { sha256Digest } from "../../base/digest.ts";
import { type Descriptor, mediaTypes } from "./descriptor.ts";
import {
  formatPlatform,
  hostPlatform,
  matchPlatform,
  normalizePlatform,
  parsePlatform,
  selectManifest,
} from "./platform.ts";

const canonical: readonly (readonly [text: string, canonical: string])[] = [
  ["linux/x86_64", "linux/amd64"],
  ["linux/amd64/v1", "linux/amd64"],
  ["linux/amd64/v3", "linux/amd64/v3"],
  ["linux/aarch64", "linux/arm64"],
  ["linux/arm64/v8", "linux/arm64"],
  ["linux/arm64/8", "linux/arm64"],
  ["linux/arm", "linux/arm/v7"],
  ["linux/arm/6", "linux/arm/v6"],
  ["linux/armhf", "linux/arm/v7"],
  ["linux/armel", "linux/arm/v6"],
  ["Linux/i386", "linux/386"],
  ["riscv64", "linux/riscv64"],
];

for (const [text, expected] of canonical) {
  test(`platform ${text} is ${expected}`, () => assert.equal(formatPlatform(parsePlatform(text)), expected));
}

test("what is no platform is refused", () => {
  for (const text of ["", "/", "linux/", "linux//v8", "a/b/c/d", "linux/am d64"]) {
    assert.throws(() => parsePlatform(text), { code: "invalid-argument" }, text);
  }
});

test("the host's platform has Go's names", () => {
  assert.deepEqual(hostPlatform("x64"), { os: "linux", architecture: "amd64" });
  assert.deepEqual(hostPlatform("arm64"), { os: "linux", architecture: "arm64" });
  assert.deepEqual(hostPlatform("arm"), { os: "linux", architecture: "arm", variant: "v7" });
});

test("other facts of a platform survive normalising", () => {
  const platform = { os: "windows", architecture: "amd64", "os.version": "10.0.1" };
  assert.deepEqual(normalizePlatform(platform), platform);
});

const index = (...platforms: readonly (string | undefined)[]) => ({
  schemaVersion: 2 as const,
  manifests: platforms.map((text, position): Descriptor => {
    const [os = "", architecture = "", variant] = text?.split("/") ?? [];
    return {
      mediaType: mediaTypes.ociManifest,
      digest: sha256Digest(position.toString(16).padStart(64, "0")),
      size: 1,
      ...(text !== undefined && { platform: { os, architecture, ...(variant !== undefined && { variant }) } }),
    };
  }),
});

const choices: readonly (readonly [wanted: string, offered: readonly (string | undefined)[], chosen: number])[] = [
  ["linux/amd64", ["linux/arm64", "linux/amd64"], 1],
  ["linux/amd64", ["windows/amd64", "linux/386", "linux/amd64"], 2],
  ["linux/amd64", ["linux/386"], 0],
  ["linux/amd64", ["linux/amd64/v3", "linux/amd64/v1"], 1],
  ["linux/amd64/v3", ["linux/amd64", "linux/amd64/v2", "linux/amd64/v4"], 1],
  ["linux/arm64/v8", ["linux/arm/v7", "linux/arm64/v8"], 1],
  ["linux/arm64", ["linux/arm/v6", "linux/arm/v7"], 1],
  ["linux/arm/v7", ["linux/arm/v5", "linux/arm/v6", "linux/arm64"], 1],
  ["linux/arm/v6", ["linux/arm/v7", "linux/arm/v5"], 1],
  ["linux/amd64", ["unknown/unknown", "linux/amd64", "linux/amd64"], 1],
  ["linux/amd64", [undefined, "linux/amd64"], 1],
  ["linux/amd64", ["linux/arm64", undefined], 1],
];

for (const [wanted, offered, chosen] of choices) {
  test(`${wanted} of ${offered.join(", ")} is number ${chosen}`, () => {
    const entries = index(...offered);
    assert.equal(selectManifest(entries, parsePlatform(wanted)), entries.manifests[chosen]);
  });
}

test("attestations are never chosen, and nothing suitable is not-found with the platform's name", () => {
  const entries = index("linux/arm64", "unknown/unknown", undefined);
  const marked = entries.manifests.map((entry, position) =>
    position === 2 ? { ...entry, annotations: { "vnd.docker.reference.type": "attestation-manifest" } } : entry,
  );
  assert.throws(() => selectManifest({ ...entries, manifests: marked }, parsePlatform("linux/s390x")), {
    code: "not-found",
    message: "no matching manifest for linux/s390x in the manifest list entries",
  });
  assert.equal(matchPlatform(parsePlatform("linux/arm/v6"), parsePlatform("linux/arm/v7")), false);
});
