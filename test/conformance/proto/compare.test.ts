// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { compare, type Descriptor, readOurs, readTheirs } from "./compare.ts";

const message = (name: string): Descriptor => ({ kind: "message", name });
const field = (name: string, number: number, type = "string"): Descriptor => ({ kind: "field", name, number, type });
const published = [
  message("runtime.v1.Pod"),
  field("runtime.v1.Pod.id", 1),
  message("other.Task"),
  field("other.Task.id", 1),
];

const cases: readonly {
  readonly name: string;
  readonly ours: readonly Descriptor[];
  readonly found: readonly string[];
}[] = [
  { name: "equal", ours: published, found: [] },
  { name: "a message of another package may be absent", ours: published.slice(0, 2), found: [] },
  {
    name: "a message of another package must be whole",
    ours: published.slice(0, 3),
    found: ["field other.Task.id: missing in ours"],
  },
  {
    name: "the CRI must be complete",
    ours: [],
    found: ["field runtime.v1.Pod.id: missing in ours", "message runtime.v1.Pod: missing in ours"],
  },
  {
    name: "number and type",
    ours: [message("runtime.v1.Pod"), field("runtime.v1.Pod.id", 2, "bytes")],
    found: [
      "field runtime.v1.Pod.id: number is 2 in ours, 1 in theirs",
      "field runtime.v1.Pod.id: type is bytes in ours, string in theirs",
    ],
  },
  {
    name: "an invented field",
    ours: [...published, field("other.Task.name", 2)],
    found: ["field other.Task.name: not in the published interface"],
  },
];

for (const { name, ours, found } of cases) {
  test(`compare: ${name}`, () => {
    assert.deepEqual(compare(published, ours), found);
  });
}

test("the CRI has its 41 calls, 7 of them streams of the server", async () => {
  const calls = (await readOurs()).filter(({ kind, name }) => kind === "method" && name.startsWith("runtime.v1."));
  assert.equal(calls.length, 41);
  assert.deepEqual(
    calls.filter((call) => call["serverStream"]).map(({ name }) => name.split(".").pop()),
    [
      "StreamPodSandboxes",
      "StreamContainers",
      "StreamContainerStats",
      "StreamPodSandboxStats",
      "GetContainerEvents",
      "StreamPodSandboxMetrics",
      "StreamImages",
    ],
  );
  assert.equal(calls.filter((call) => call["clientStream"]).length, 0);
});

const noGo = spawnSync("go", ["version"]).status !== 0 && "go is not on PATH";

test("our protobuf files are what the Go modules publish", { skip: noGo }, async () => {
  assert.deepEqual(compare(readTheirs(), await readOurs()), []);
});
