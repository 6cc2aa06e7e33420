// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { knownFeatures, parseFeatures } from "./probe.ts";

void test("features documents give the version and seccomp, and nothing when they are none", () => {
  const document = { ociVersionMin: "1.0.0", ociVersionMax: "1.2.0", linux: { seccomp: { enabled: true } } };
  assert.deepEqual(parseFeatures(JSON.stringify(document), "6.1.0"), { ociVersion: "1.2.0", seccomp: true });
  assert.deepEqual(parseFeatures(JSON.stringify({ linux: {} }), "6.1.0"), {});
  assert.deepEqual(parseFeatures("unknown command features", "6.1.0"), {});
});

void test("binds are read-only all the way down when the runtime knows how and the kernel can", () => {
  const canDo = (options: readonly string[], kernel: string) =>
    parseFeatures(JSON.stringify({ mountOptions: options }), kernel).recursiveReadOnly;
  assert.equal(canDo(["ro", "rro"], "6.18.5"), true);
  assert.equal(canDo(["ro", "rro"], "5.12.0-rc1"), true);
  assert.equal(canDo(["ro", "rro"], "5.10.0-30-amd64"), false);
  assert.equal(canDo(["ro"], "6.18.5"), false);
});

void test("of crun before it had features, its version tells what it can do", () => {
  assert.deepEqual(knownFeatures("crun", "1.8.1", "6.1.0"), { recursiveReadOnly: true });
  assert.deepEqual(knownFeatures("crun", "1.8.1", "5.10.0"), { recursiveReadOnly: false });
  assert.deepEqual(knownFeatures("crun", "1.3", "6.1.0"), {});
  assert.deepEqual(knownFeatures("other", "2.0.0", "6.1.0"), {});
});
