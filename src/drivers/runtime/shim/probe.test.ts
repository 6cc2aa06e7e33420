// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseFeatures } from "./probe.ts";

void test("features documents give the version and seccomp, and nothing when they are none", () => {
  const document = { ociVersionMin: "1.0.0", ociVersionMax: "1.2.0", linux: { seccomp: { enabled: true } } };
  assert.deepEqual(parseFeatures(JSON.stringify(document)), { ociVersion: "1.2.0", seccomp: true });
  assert.deepEqual(parseFeatures(JSON.stringify({ linux: {} })), {});
  assert.deepEqual(parseFeatures("unknown command features"), {});
});
