// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSeccompProfile } from "./seccomp-profile.ts";

const input = { architecture: "amd64", kernelVersion: "6.1.0", capabilities: ["CAP_CHOWN"] };
const parse = (profile: unknown) => parseSeccompProfile(JSON.stringify(profile), input);
const allow = { action: "SCMP_ACT_ALLOW" };
const namesOf = (...rules: readonly object[]) =>
  parse({ defaultAction: "SCMP_ACT_ERRNO", syscalls: rules })?.syscalls?.flatMap((rule) => rule.names);

test("the specification's own form passes through", () => {
  const profile = {
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: 38,
    architectures: ["SCMP_ARCH_X86_64"],
    flags: ["SECCOMP_FILTER_FLAG_LOG"],
    syscalls: [{ names: ["a"], ...allow, errnoRet: 1, args: [{ index: 1, value: 2, valueTwo: 3, op: "SCMP_CMP_EQ" }] }],
  };
  assert.deepEqual(parse(profile), profile);
});

test("Docker's architecture map gives the native one and its siblings", () => {
  const archMap = [
    { architecture: "SCMP_ARCH_AARCH64", subArchitectures: ["SCMP_ARCH_ARM"] },
    { architecture: "SCMP_ARCH_X86_64", subArchitectures: ["SCMP_ARCH_X86"] },
  ];
  const profile = parse({ defaultAction: "SCMP_ACT_ERRNO", archMap });
  assert.deepEqual(profile?.architectures, ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"]);
});

test("rules depend on capability, architecture and kernel", () => {
  assert.deepEqual(
    namesOf(
      { name: "old-form", ...allow },
      { names: ["chown"], ...allow, includes: { caps: ["CAP_CHOWN"] } },
      { names: ["no-cap"], ...allow, includes: { caps: ["CAP_CHOWN", "CAP_KILL"] } },
      { names: ["excluded"], ...allow, excludes: { caps: ["CAP_CHOWN"] } },
      { names: ["arch"], ...allow, includes: { arches: ["amd64", "x32"] } },
      { names: ["other-arch"], ...allow, includes: { arches: ["arm64"] } },
      { names: ["not-here"], ...allow, excludes: { arches: ["amd64"] } },
      { names: ["new-kernel"], ...allow, includes: { minKernel: "6.2" } },
      { names: ["kernel"], ...allow, includes: { minKernel: "4.8" }, excludes: null },
      { names: ["before"], ...allow, excludes: { minKernel: "4.8" } },
    ),
    ["old-form", "chown", "arch", "kernel"],
  );
});

test("an empty profile is none", () => assert.equal(parse({}), undefined));

const refused: readonly [profile: unknown, reason: string][] = [
  [[], "the profile must be made of objects"],
  ["x", "the profile must be made of objects"],
  [{ syscalls: [{}] }, "defaultAction is missing"],
  [{ defaultAction: 1 }, "defaultAction must be a string"],
  [{ defaultAction: "x", syscalls: {} }, "syscalls must be a list"],
  [{ defaultAction: "x", syscalls: [1] }, "syscalls must be made of objects"],
  [{ defaultAction: "x", syscalls: [{ names: ["a"] }] }, "a rule has no action"],
  [{ defaultAction: "x", syscalls: [{ names: [1], ...allow }] }, "names must be a list of strings"],
  [
    { defaultAction: "x", syscalls: [{ name: "a", names: ["b"], ...allow }] },
    "both 'name' and 'names' are specified in a rule",
  ],
  [
    { defaultAction: "x", architectures: ["a"], archMap: [{}] },
    "both 'architectures' and 'archMap' are specified, use either of them",
  ],
];
for (const [profile, reason] of refused) {
  test(`refused: ${reason} (${JSON.stringify(profile)})`, () => {
    assert.throws(() => parse(profile), {
      code: "invalid-argument",
      message: `decoding seccomp profile failed: ${reason}`,
    });
  });
}
