// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { formatDocument } from "./document.ts";
import { type Circumstances, suiteSize } from "./expectations.ts";
import { parseReport, type SpecResult } from "./junit.ts";
import { matrix, selectRuns } from "./matrix.ts";
import { isGood, judge } from "./verdict.ts";

const bare: Circumstances = {
  runtime: "runc",
  runtimeVersion: "runc version 1.5.2",
  hasAppArmor: false,
  idMappedMounts: true,
};

const report = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="4" failures="1"><testsuite name="CRI validation" tests="4">
  <testcase name="[BeforeSuite]" classname="CRI validation" status="passed" time="0.1"></testcase>
  <testcase name="[It] [k8s.io] Container does &lt;this&gt; [Conformance]" status="passed" time="1"><system-err>x</system-err></testcase>
  <testcase name="[It] [k8s.io] AppArmor enforces" status="skipped"><skipped message="skipped - no AppArmor"></skipped></testcase>
  <testcase name="[It] [k8s.io] Streaming attaches" status="failed"><failure message="expected hello" type="failed">at x.go:1</failure></testcase>
</testsuite></testsuites>`;

const names = {
  passed: "[It] [k8s.io] Container does <this> [Conformance]",
  skipped: "[It] [k8s.io] AppArmor enforces",
  failed: "[It] [k8s.io] Streaming attaches",
};

/** A whole suite in which these have another outcome than passed. */
function suiteWith(...others: readonly SpecResult[]): readonly SpecResult[] {
  const passed = Array.from({ length: suiteSize - others.length }, (_, index) => `[It] spec ${index}`);
  return [...passed.map((name) => ({ name, outcome: "passed", message: "" }) as const), ...others];
}

test("a report is read to its specs, without the suite's own set-up", () => {
  assert.deepEqual(parseReport(report), [
    { name: names.passed, outcome: "passed", message: "" },
    { name: names.skipped, outcome: "skipped", message: "skipped - no AppArmor" },
    { name: names.failed, outcome: "failed", message: "expected hello" },
  ]);
});

test("a failed set-up of the suite is a failure", () => {
  const xml = `<testsuites><testcase name="[BeforeSuite]"><error message="no socket"/></testcase></testsuites>`;
  assert.deepEqual(parseReport(xml), [{ name: "[BeforeSuite]", outcome: "failed", message: "no socket" }]);
});

test("a skip counts as good only for a known reason that holds here", () => {
  const skip = { name: names.skipped, outcome: "skipped", message: "skipped - why" } as const;
  assert.equal(isGood(judge(suiteWith(skip), bare)), true);
  assert.equal(isGood(judge(suiteWith(skip), { ...bare, hasAppArmor: true })), false);
  const mapped = { ...skip, name: "[It] [k8s.io] Security Context UserNamespaces runtime should support x" };
  assert.equal(isGood(judge(suiteWith(mapped), bare)), false);
  assert.equal(isGood(judge(suiteWith(mapped), { ...bare, idMappedMounts: false })), true);
});

test("a failure is not good, nor is a suite that misses specs", () => {
  assert.equal(isGood(judge(suiteWith(), bare)), true);
  assert.equal(isGood(judge(suiteWith({ name: "[It] x", outcome: "failed", message: "" }), bare)), false);
  assert.equal(isGood(judge(suiteWith().slice(1), bare)), false);
  assert.equal(isGood(judge([], bare)), false);
});

test("the document counts, and names failures and reasons", () => {
  const skip = { name: names.skipped, outcome: "skipped", message: "" } as const;
  const failure = { name: names.failed, outcome: "failed", message: "why" } as const;
  const [first, second] = matrix;
  assert(first !== undefined && second !== undefined);
  const text = formatDocument([
    { run: first, circumstances: bare, verdict: judge(suiteWith(skip), bare) },
    { run: second, circumstances: bare, verdict: judge(suiteWith(skip, failure), bare) },
  ]);
  assert.match(text, /^\| runc-serial-spdy \| 121 \| 0 \| 1 \|$/m);
  assert.match(text, /^\| runc-serial-websocket \| 120 \| 1 \| 1 \|$/m);
  assert.match(text, /^- Streaming attaches: runc-serial-websocket$/m);
  assert.match(text, /^- \*\*the machine's kernel has no AppArmor\*\* \(1\)\n {2}- AppArmor enforces$/m);
});

test("runs are chosen by name, all of them by default", () => {
  assert.equal(selectRuns("").length, 8);
  assert.deepEqual(
    selectRuns("crun-parallel-spdy, runc-serial-spdy").map(({ name }) => name),
    ["runc-serial-spdy", "crun-parallel-spdy"],
  );
  assert.throws(() => selectRuns("runc"), /there is no run runc; there are runc-serial-spdy/);
});

// So that a run of all tests says what it leaves out.
const hasGo = spawnSync("go", ["version"]).status === 0;
test(`critest's ${suiteSize} specs`, { skip: hasGo ? "make conformance runs them" : "make conformance needs Go" });
