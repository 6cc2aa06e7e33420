// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseBoolean } from "./boolean.ts";
import { parseByteSize } from "./byte-size.ts";
import { parseCpus } from "./cpus.ts";
import { parseDuration } from "./duration.ts";
import { parseUlimit } from "./ulimit.ts";

const refused = (message: string) => ({ code: "invalid-argument", message });

const sizes: readonly [text: string, bytes: number][] = [
  ["0", 0],
  ["32", 32],
  ["32b", 32],
  ["32B", 32],
  ["64k", 65_536],
  ["64kb", 65_536],
  ["64KiB", 65_536],
  ["512m", 536_870_912],
  ["1.5g", 1_610_612_736],
  ["1 g", 1_073_741_824],
  [".5k", 512],
  ["2T", 2_199_023_255_552],
  ["1p", 1_125_899_906_842_624],
];
test("byte sizes", () => {
  for (const [text, bytes] of sizes) assert.equal(parseByteSize(text), bytes, text);
});

test("byte sizes that are none", () => {
  for (const text of ["", "hello", "-1", "1..5", " 1", "m", "99999999p"]) {
    assert.throws(() => parseByteSize(text), refused(`invalid size: '${text}'`), text);
  }
  for (const [text, suffix] of [
    ["32x", "x"],
    ["32mm", "mm"],
    ["32bb", "bb"],
    ["32ib", "ib"],
  ] as const) {
    assert.throws(() => parseByteSize(text), refused(`invalid suffix: '${suffix}'`), text);
  }
});

test("every whole number of bytes is itself, and a unit is its power of 1024", () => {
  fc.assert(
    fc.property(fc.nat(1_000_000), fc.constantFrom("", "k", "m", "g"), (count, unit) => {
      const expected = count * 1024 ** ["", "k", "m", "g"].indexOf(unit);
      assert.equal(parseByteSize(`${count}${unit}`), expected);
      assert.equal(parseByteSize(`${count}${unit.toUpperCase()}B`), expected);
    }),
  );
});

const durations: readonly [text: string, milliseconds: number][] = [
  ["0", 0],
  ["1h30m10s", 5_410_000],
  ["1.5s", 1500],
  [".5m", 30_000],
  ["300ms", 300],
  ["1us", 0.001],
  ["1µs", 0.001],
  ["5000000ns", 5],
  ["-1m", -60_000],
  ["+2s", 2000],
];
test("durations", () => {
  for (const [text, milliseconds] of durations) assert.equal(parseDuration(text), milliseconds, text);
});

test("durations that are none", () => {
  for (const text of ["", "-", "s", ".s", "h1", "9999999999h"]) {
    assert.throws(() => parseDuration(text), refused(`time: invalid duration "${text}"`), text);
  }
  assert.throws(() => parseDuration("10"), refused('time: missing unit in duration "10"'));
  assert.throws(() => parseDuration("1h5"), refused('time: missing unit in duration "1h5"'));
  assert.throws(() => parseDuration("3d"), refused('time: unknown unit "d" in duration "3d"'));
  assert.throws(() => parseDuration("1h-5m"), refused('time: unknown unit "h-" in duration "1h-5m"'));
  assert.throws(() => parseDuration("3toString"), refused('time: unknown unit "toString" in duration "3toString"'));
});

test("the parts of a duration add up", () => {
  fc.assert(
    fc.property(fc.nat(99), fc.nat(999), fc.nat(999), (hours, minutes, seconds) => {
      const expected = ((hours * 60 + minutes) * 60 + seconds) * 1000;
      assert.equal(parseDuration(`${hours}h${minutes}m${seconds}s`), expected);
    }),
  );
});

test("ulimits", () => {
  assert.deepEqual(parseUlimit("nofile=1024"), { name: "nofile", soft: 1024, hard: 1024 });
  assert.deepEqual(parseUlimit("nofile=1024:2048"), { name: "nofile", soft: 1024, hard: 2048 });
  assert.deepEqual(parseUlimit("core=-1"), { name: "core", soft: -1, hard: -1 });
  assert.deepEqual(parseUlimit("memlock=5:-1"), { name: "memlock", soft: 5, hard: -1 });
});

test("ulimits that are none", () => {
  const cases: readonly [text: string, message: string][] = [
    ["nofile", "invalid ulimit argument: nofile"],
    ["nofile=", "invalid ulimit argument: nofile="],
    ["nofile=a", "invalid ulimit argument: nofile=a"],
    ["nofile=-2", "invalid ulimit argument: nofile=-2"],
    ["files=1", "invalid ulimit type: files"],
    ["nofile=1:2:3", "too many limit value arguments - 1:2:3, can only have up to two, `soft[:hard]`"],
    ["nofile=2:1", "ulimit soft limit must be less than or equal to hard limit: 2 > 1"],
    ["nofile=-1:1", "ulimit soft limit must be less than or equal to hard limit: soft: -1 (unlimited), hard: 1"],
  ];
  for (const [text, message] of cases) assert.throws(() => parseUlimit(text), refused(message), text);
});

test("cpus", () => {
  for (const [text, nano] of [
    ["1.5", 1.5e9],
    ["2", 2e9],
    [".25", 2.5e8],
    ["3/2", 1.5e9],
    ["0.000000001", 1],
  ] as const) {
    assert.equal(parseCpus(text), nano, text);
  }
  for (const text of ["", "one", "-1", "1/0", "1e3"]) {
    assert.throws(() => parseCpus(text), refused(`failed to parse ${text} as a rational number`), text);
  }
  for (const text of ["0.0000000001", "1/3"]) {
    assert.throws(() => parseCpus(text), refused("value is too precise"), text);
  }
});

test("booleans as Go reads them", () => {
  for (const text of ["1", "t", "T", "true", "TRUE", "True"]) assert.equal(parseBoolean(text), true, text);
  for (const text of ["0", "f", "F", "false", "FALSE", "False"]) assert.equal(parseBoolean(text), false, text);
  for (const text of ["", "yes", "tRUE", "2"]) assert.equal(parseBoolean(text), undefined, text);
});
