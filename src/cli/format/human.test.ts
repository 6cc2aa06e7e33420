// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesSize, type ContainerStatus, humanDuration, humanSize, humanStatus } from "./human.ts";

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

const decimal = [
  [0, "0B"],
  [999, "999B"],
  [1000, "1kB"],
  [1024, "1.024kB"],
  [1_234_567, "1.235MB"],
  [1_230_000, "1.23MB"],
  [999_999, "1000kB"],
  [1_000_000_000, "1GB"],
  [3.42e15, "3.42PB"],
] as const;

for (const [bytes, text] of decimal) {
  test(`${bytes} bytes in powers of 1000 are ${text}`, () => {
    assert.equal(humanSize(bytes), text);
  });
}

test("three digits, as in lists of images", () => {
  assert.deepEqual(
    [4_261_502, 141_870_000, 999_999, 12].map((bytes) => humanSize(bytes, 3)),
    ["4.26MB", "142MB", "1MB", "12B"],
  );
});

const binary = [
  [0, "0B"],
  [1023, "1023B"],
  [1024, "1KiB"],
  [1_572_864, "1.5MiB"],
  [67_108_864, "64MiB"],
  [1_048_575, "1024KiB"],
  [8_254_529_536, "7.688GiB"],
] as const;

for (const [bytes, text] of binary) {
  test(`${bytes} bytes in powers of 1024 are ${text}`, () => {
    assert.equal(bytesSize(bytes), text);
  });
}

const durations = [
  [0, "Less than a second"],
  [999, "Less than a second"],
  [-5 * second, "Less than a second"],
  [second, "1 second"],
  [59.9 * second, "59 seconds"],
  [minute, "About a minute"],
  [119 * second, "About a minute"],
  [2 * minute, "2 minutes"],
  [59.9 * minute, "59 minutes"],
  [hour, "About an hour"],
  [89 * minute, "About an hour"],
  [90 * minute, "2 hours"],
  [47 * hour, "47 hours"],
  [2 * day, "2 days"],
  [13 * day, "13 days"],
  [14 * day, "2 weeks"],
  [59 * day, "8 weeks"],
  [60 * day, "2 months"],
  [700 * day, "23 months"],
  [730 * day, "2 years"],
] as const;

for (const [milliseconds, text] of durations) {
  test(`${milliseconds} ms are "${text}"`, () => {
    assert.equal(humanDuration(milliseconds), text);
  });
}

const now = new Date("2026-01-02T12:00:00Z");
const ago = (milliseconds: number) => new Date(now.getTime() - milliseconds);
const statuses: readonly (readonly [ContainerStatus, string])[] = [
  [{ state: "created" }, "Created"],
  [{ state: "running", startedAt: ago(3 * second) }, "Up 3 seconds"],
  [{ state: "running", startedAt: ago(3 * minute), health: "starting" }, "Up 3 minutes (health: starting)"],
  [{ state: "running", startedAt: ago(3 * minute), health: "unhealthy" }, "Up 3 minutes (unhealthy)"],
  [{ state: "paused", startedAt: ago(2 * minute) }, "Up 2 minutes (Paused)"],
  [{ state: "restarting", exitCode: 1, finishedAt: ago(5 * second) }, "Restarting (1) 5 seconds ago"],
  [{ state: "exited", exitCode: 0, startedAt: ago(3 * hour), finishedAt: ago(2 * hour) }, "Exited (0) 2 hours ago"],
  [{ state: "exited", exitCode: 137, finishedAt: ago(hour) }, "Exited (137) About an hour ago"],
  [{ state: "removing" }, "Removal In Progress"],
  [{ state: "dead" }, "Dead"],
];

for (const [status, text] of statuses) {
  test(`status "${text}"`, () => {
    assert.equal(humanStatus(status, now), text);
  });
}
