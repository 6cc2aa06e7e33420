// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Digest } from "../../base/digest.ts";
import { pinnedBy } from "./pinned.ts";

const digest = `sha256:${"a".repeat(64)}` as Digest;
const pause = {
  id: `sha256:${"b".repeat(64)}` as Digest,
  names: ["registry.k8s.io/pause:3.9", "docker.io/library/pause:latest"],
  repoDigests: [`registry.k8s.io/pause@${digest}`],
};

test("an image is pinned by any of its names as people write them, or by its id", () => {
  for (const entry of [
    "registry.k8s.io/pause:3.9",
    "pause",
    "docker.io/library/pause",
    `registry.k8s.io/pause@${digest}`,
    pause.id,
    "b".repeat(64),
  ]) {
    assert.ok(pinnedBy([entry])(pause), entry);
  }
  for (const entry of ["registry.k8s.io/pause", "pause:3.9", "b".repeat(12), "", "Not Valid", "registry.k8s.io"]) {
    assert.ok(!pinnedBy([entry])(pause), entry);
  }
});

test("a star stands for any text", () => {
  for (const entry of ["registry.k8s.io/*", "*/pause:*", "*", "pause:*", "reg*/p*se:3*9", "*:3.9"]) {
    assert.ok(pinnedBy(["nothing", entry])(pause), entry);
  }
  for (const entry of ["registry.k8s.io/*/pause:3.9", "*:3.8", "pause*pause:latest*", "k8s.io/*", "a*a"]) {
    assert.ok(!pinnedBy([entry])(pause), entry);
  }
});

test("nothing is pinned unless told", () => {
  assert.ok(!pinnedBy([])(pause));
});
