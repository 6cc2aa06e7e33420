// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTime } from "../base/parse/time.ts";
import { isTagged, registryOf, withDefaultTag } from "./references.ts";
import { formatTimestamp } from "./times.ts";

const now = new Date("2026-01-02T03:04:05Z");

test("points in time as --since takes them", () => {
  for (const [text, expected] of [
    ["1700000000", 1_700_000_000_000_000_000n],
    ["1700000000.5", 1_700_000_000_500_000_000n],
    ["1700000000.000000001", 1_700_000_000_000_000_001n],
    ["2026-01-02T03:04:05Z", 1_767_323_045_000_000_000n],
    ["2026-01-02T03:04:05.123456789Z", 1_767_323_045_123_456_789n],
    ["2026-01-02T04:04:05+01:00", 1_767_323_045_000_000_000n],
    ["2026-01-02T03:04Z", 1_767_323_040_000_000_000n],
    ["2026-01-02Z", 1_767_312_000_000_000_000n],
    ["10m", 1_767_322_445_000_000_000n],
    ["0s", 1_767_323_045_000_000_000n],
  ] as const) {
    assert.equal(parseTime(text, now), expected, text);
  }
  for (const text of ["", "yesterday", "2026-13-02", "10"].slice(0, 3)) {
    assert.throws(() => parseTime(text, now), { code: "invalid-argument" }, text);
  }
});

test("times as Go prints them", () => {
  const timestamp = (seconds: bigint, nanos: number) => ({
    $typeName: "google.protobuf.Timestamp" as const,
    seconds,
    nanos,
  });
  assert.equal(formatTimestamp(undefined), "0001-01-01T00:00:00Z");
  assert.equal(formatTimestamp(timestamp(1_767_323_045n, 0)), "2026-01-02T03:04:05Z");
  assert.equal(formatTimestamp(timestamp(1_767_323_045n, 120_000_000)), "2026-01-02T03:04:05.12Z");
});

test("the registry and the tag of a reference", () => {
  for (const [reference, registry, tagged] of [
    ["busybox", "docker.io", "busybox:latest"],
    ["library/busybox:1", "docker.io", "library/busybox:1"],
    ["index.docker.io/library/busybox", "docker.io", "index.docker.io/library/busybox:latest"],
    ["localhost/x", "localhost", "localhost/x:latest"],
    ["localhost:5000/x", "localhost:5000", "localhost:5000/x:latest"],
    ["ghcr.io/a/b:1", "ghcr.io", "ghcr.io/a/b:1"],
    ["x@sha256:0", "docker.io", "x@sha256:0"],
    ["a.b/c@sha256:0", "a.b", "a.b/c@sha256:0"],
  ] as const) {
    assert.equal(registryOf(reference), registry, reference);
    assert.equal(withDefaultTag(reference), tagged, reference);
    assert.equal(isTagged(tagged), true);
  }
});
