// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultCapabilities } from "./capabilities.ts";
import { defaultSeccompProfile, isAtLeast } from "./seccomp-default.ts";
import type { RuntimeSeccomp } from "./spec.ts";

function profile(options: {
  readonly add?: readonly string[];
  readonly architecture?: string;
  readonly kernelVersion?: string;
}) {
  const { add = [], architecture = "amd64", kernelVersion = "6.1.0-18-amd64" } = options;
  return defaultSeccompProfile({ architecture, kernelVersion, capabilities: [...defaultCapabilities, ...add] });
}

const allows = (from: RuntimeSeccomp, name: string) =>
  (from.syscalls ?? []).some(
    (rule) => rule.action === "SCMP_ACT_ALLOW" && rule.args === undefined && rule.names.includes(name),
  );

test("what is not listed fails with EPERM", () => {
  const { defaultAction, defaultErrnoRet } = profile({});
  assert.deepEqual({ defaultAction, defaultErrnoRet }, { defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 1 });
});

test("every call of the plain list is named once", () => {
  const names = profile({}).syscalls?.[0]?.names ?? [];
  assert.equal(new Set(names).size, names.length);
});

const forbidden = [
  "unshare", "setns", "mount", "umount2", "open_by_handle_at", "bpf", "perf_event_open", "userfaultfd", "keyctl",
  "add_key", "request_key", "io_uring_setup", "io_uring_enter", "io_uring_register", "kexec_load", "init_module",
  "reboot", "swapon", "pivot_root", "syslog", "ioperm", "settimeofday", "clone3", "mbind", "acct", "kcmp", "vhangup",
  "nfsservctl", "uselib", "socket",
]; // biome-ignore format: a table
for (const name of forbidden) {
  test(`${name} is not allowed by default`, () => assert.equal(allows(profile({}), name), false));
}

for (const name of ["read", "openat2", "execve", "futex", "epoll_pwait2", "clock_gettime64", "chroot", "ptrace"]) {
  test(`${name} is allowed by default`, () => assert.equal(allows(profile({}), name), true));
}

const unlocked: readonly [capability: string, name: string][] = [
  ["CAP_SYS_ADMIN", "mount"],
  ["CAP_SYS_ADMIN", "unshare"],
  ["CAP_SYS_ADMIN", "clone3"],
  ["CAP_BPF", "bpf"],
  ["CAP_PERFMON", "perf_event_open"],
  ["CAP_SYS_MODULE", "finit_module"],
  ["CAP_SYSLOG", "syslog"],
  ["CAP_SYS_TIME", "clock_settime"],
  ["CAP_DAC_READ_SEARCH", "open_by_handle_at"],
  ["CAP_SYS_BOOT", "reboot"],
  ["CAP_SYS_NICE", "mbind"],
  ["CAP_SYS_RAWIO", "iopl"],
  ["CAP_SYS_TTY_CONFIG", "vhangup"],
  ["CAP_SYS_PACCT", "acct"],
  ["CAP_SYS_PTRACE", "kcmp"],
];
for (const [capability, name] of unlocked) {
  test(`${capability} unlocks ${name}`, () => assert.equal(allows(profile({ add: [capability] }), name), true));
}

test("clone may not make namespaces, and clone3 is said not to exist", () => {
  const rules = (profile({}).syscalls ?? []).filter((rule) => rule.names.some((name) => name.startsWith("clone")));
  const byName = new Map(rules.map((rule) => [rule.names.join(), rule]));
  assert.deepEqual(byName.get("clone3"), { names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: 38 });
  assert.deepEqual(byName.get("clone")?.args, [{ index: 0, value: 0x7e020000, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" }]);
  const withAdmin = profile({ add: ["CAP_SYS_ADMIN"] }).syscalls ?? [];
  assert.equal(
    withAdmin.some((rule) => rule.action !== "SCMP_ACT_ALLOW"),
    false,
  );
});

test("sockets are filtered by family: IP, netlink and packet pass, AF_ALG and AF_VSOCK do not", () => {
  const rules = (profile({}).syscalls ?? []).filter((rule) => rule.names.includes("socket"));
  const passes = (family: number) =>
    rules.some((rule) => {
      const argument = rule.args?.[0];
      if (argument === undefined) return false;
      return argument.op === "SCMP_CMP_LT" ? family < argument.value : family === argument.value;
    });
  for (const family of [1, 2, 10, 16, 17, 44]) assert.equal(passes(family), true, `family ${family}`);
  for (const family of [12, 38, 40, 46]) assert.equal(passes(family), false, `family ${family}`);
});

test("personality is limited to the harmless values", () => {
  const rules = (profile({}).syscalls ?? []).filter((rule) => rule.names.includes("personality"));
  assert.deepEqual(
    rules.map((rule) => rule.args?.[0]?.value),
    [0, 8, 0x20000, 0x20008, 0xffffffff],
  );
});

test("tracing needs Linux 4.8", () => {
  assert.equal(allows(profile({ kernelVersion: "4.7.10" }), "ptrace"), false);
  assert.equal(allows(profile({ kernelVersion: "4.8.0" }), "ptrace"), true);
  assert.equal(isAtLeast("10.0", 4, 8), true);
  assert.equal(isAtLeast("nonsense", 4, 8), false);
});

test("the architectures are those that the kernel runs", () => {
  assert.deepEqual(profile({}).architectures, ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]);
  assert.deepEqual(profile({ architecture: "arm64" }).architectures, ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"]);
  assert.equal(allows(profile({ architecture: "arm64" }), "arch_prctl"), false);
  assert.equal(profile({ architecture: "pdp11" }).architectures, undefined);
});
