// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSecurityOptions } from "./security-options.ts";

const bare = { apparmor: false, selinux: false, seccomp: true };
const defaults = { noNewPrivileges: false, seccomp: "default", unconfinedPaths: false };

test("what --security-opt takes", () => {
  for (const [option, expected] of [
    ["no-new-privileges", { noNewPrivileges: true }],
    ["no-new-privileges=false", {}],
    ["no-new-privileges:true", { noNewPrivileges: true }],
    ["seccomp=unconfined", { seccomp: "unconfined" }],
    ["seccomp=builtin", {}],
    ['seccomp={"a":1}', { seccomp: { profile: '{"a":1}' } }],
    ["apparmor=unconfined", {}],
    ["label=disable", {}],
    ["systempaths=unconfined", { unconfinedPaths: true }],
  ] as const) {
    assert.deepEqual(parseSecurityOptions([option], bare), { ...defaults, ...expected }, option);
  }
  assert.deepEqual(parseSecurityOptions(["apparmor=mine"], { ...bare, apparmor: true }), {
    ...defaults,
    apparmor: "mine",
  });
});

test("what is no option is refused", () => {
  for (const option of [
    "",
    "foo",
    "foo=bar",
    "no-new-privileges=maybe",
    "seccomp=",
    "seccomp",
    "systempaths=x",
    "label=",
  ]) {
    assert.throws(
      () => parseSecurityOptions([option], bare),
      { code: "invalid-argument", message: `invalid --security-opt: ${JSON.stringify(option)}` },
      option,
    );
  }
});

test("what this host cannot honour is an error that says so", () => {
  const none = { apparmor: false, selinux: false, seccomp: false };
  for (const [option, message] of [
    ["apparmor=mine", "cannot use apparmor profile mine: apparmor is not enabled on this host"],
    ["label=type:x", "cannot use label type:x: selinux is not enabled on this host"],
    ["seccomp={}", "seccomp is not enabled in your kernel, cannot run a custom seccomp profile"],
  ] as const) {
    assert.throws(() => parseSecurityOptions([option], none), { code: "failed-precondition", message }, option);
  }
});
