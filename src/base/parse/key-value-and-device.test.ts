// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDevice, parseDeviceRule } from "./device.ts";
import { parseEnvironment, parseKeyValueFile, parseKeyValues, parseSysctl, sysctlNamespace } from "./key-value.ts";

test("devices", () => {
  const device = { host: "/dev/a", container: "/dev/a", permissions: "rwm" };
  assert.deepEqual(parseDevice("/dev/a"), device);
  assert.deepEqual(parseDevice("/dev/a:r"), { ...device, permissions: "r" });
  assert.deepEqual(parseDevice("/dev/a:/dev/b"), { ...device, container: "/dev/b" });
  assert.deepEqual(parseDevice("/dev/a:/dev/b:mw"), { ...device, container: "/dev/b", permissions: "mw" });
});

test("devices that are none", () => {
  for (const [text, message] of [
    ["", "bad format for path: "],
    ["/dev/a:", "bad format for path: /dev/a:"],
    ["/dev/a:/dev/b:r:w", "bad format for path: /dev/a:/dev/b:r:w"],
    ["/dev/a:/dev/b:rx", "bad mode specified: rx"],
    ["/dev/a:/dev/b:rr", "bad mode specified: rr"],
    ["dev/a", "dev/a is not an absolute path"],
    ["/dev/a:dev/b", "dev/b is not an absolute path"],
  ] as const) {
    assert.throws(() => parseDevice(text), { code: "invalid-argument", message }, text);
  }
});

test("device rules", () => {
  assert.deepEqual(parseDeviceRule("c 1:3 mr"), { type: "c", major: 1, minor: 3, access: "mr" });
  assert.deepEqual(parseDeviceRule("a *:* rwm"), { type: "a", major: -1, minor: -1, access: "rwm" });
  for (const text of ["", "c 1:3", "d 1:3 r", "c 1 r", "c 1:3 x", "c  1:3 r"]) {
    assert.throws(() => parseDeviceRule(text), { message: `invalid device cgroup format '${text}'` }, text);
  }
});

test("labels", () => {
  assert.deepEqual(parseKeyValues(["a=1", "b", "c=x=y", "a=2"]), { a: "2", b: "", c: "x=y" });
});

test("environment variables are taken from the client when only named", () => {
  const lookup = (key: string) => (key === "HERE" ? "x" : undefined);
  assert.equal(parseEnvironment("A=b=c", lookup), "A=b=c");
  assert.equal(parseEnvironment("HERE", lookup), "HERE=x");
  assert.equal(parseEnvironment("GONE", lookup), "GONE");
  assert.throws(() => parseEnvironment("=x", lookup), { message: "invalid environment variable: =x" });
});

test("files of variables", () => {
  assert.deepEqual(parseKeyValueFile("f", "\uFEFF# a comment\nA=1\r\n\n  B = 2".replace("B = 2", "B= 2")), [
    "A=1",
    "B= 2",
  ]);
  assert.throws(() => parseKeyValueFile("f", "A B=1"), {
    message: "invalid environment file (f): variable 'A B' contains whitespaces",
  });
  assert.throws(() => parseKeyValueFile("f", "=1"), {
    message: "invalid environment file (f): no variable name on line '=1'",
  });
});

test("sysctls belong to a namespace or are refused", () => {
  assert.deepEqual(parseSysctl("net.core.somaxconn=1=2"), ["net.core.somaxconn", "1=2"]);
  assert.equal(sysctlNamespace("kernel.shmmax"), "ipc");
  assert.equal(sysctlNamespace("fs.mqueue.msg_max"), "ipc");
  assert.equal(sysctlNamespace("kernel.domainname"), "uts");
  for (const text of ["kernel.core_pattern=x", "vm.swappiness=1", "net.core.somaxconn", ""]) {
    assert.throws(() => parseSysctl(text), { message: `sysctl '${text}' is not allowed` }, text);
  }
});
