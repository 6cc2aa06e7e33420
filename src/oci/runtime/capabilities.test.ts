// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { capabilityNames } from "../../base/capabilities.ts";
import { defaultCapabilities, resolveCapabilities } from "./capabilities.ts";

const without = (...names: readonly string[]) => capabilityNames.filter((name) => !names.includes(name));

function resolve(options: {
  readonly add?: readonly string[];
  readonly drop?: readonly string[];
  readonly privileged?: boolean;
  readonly available?: readonly string[];
}) {
  const { add = [], drop = [], privileged = false, available = capabilityNames } = options;
  return resolveCapabilities({ add, drop, privileged, available }).bounding;
}

test("without a wish it is Docker's fourteen", () => {
  assert.deepEqual(resolve({}), defaultCapabilities);
  assert.equal(defaultCapabilities.length, 14);
});

test("names are taken with and without CAP_ and in any case", () => {
  const expected = capabilityNames.filter((name) => [...defaultCapabilities, "CAP_NET_ADMIN"].includes(name));
  for (const name of ["NET_ADMIN", "CAP_NET_ADMIN", "net_admin", " cap_net_admin "]) {
    assert.deepEqual(resolve({ add: [name] }), expected, name);
  }
});

test("drop takes defaults away, ALL takes all", () => {
  assert.deepEqual(
    resolve({ drop: ["chown", "CAP_SYS_TIME"] }),
    defaultCapabilities.filter((name) => name !== "CAP_CHOWN"),
  );
  assert.deepEqual(resolve({ drop: ["ALL"] }), []);
  assert.deepEqual(resolve({ drop: ["all"], add: ["kill"] }), ["CAP_KILL"]);
});

test("adding ALL gives what the daemon has, but for what is dropped by name", () => {
  assert.deepEqual(resolve({ add: ["ALL"], drop: ["SYS_ADMIN"] }), without("CAP_SYS_ADMIN"));
  assert.deepEqual(resolve({ add: ["ALL"], available: without("CAP_SYS_RESOURCE") }), without("CAP_SYS_RESOURCE"));
  assert.deepEqual(resolve({ add: ["ALL", "KILL"], drop: ["KILL"] }), without("CAP_KILL"));
});

test("a name that is both added and dropped is added", () => {
  assert.deepEqual(resolve({ add: ["CHOWN"], drop: ["CHOWN"] }), defaultCapabilities);
});

test("privileged gives what the daemon has, whatever is dropped", () => {
  const available = without("CAP_SYS_RESOURCE");
  assert.deepEqual(resolve({ privileged: true, available, drop: ["ALL"] }), available);
});

test("defaults that the daemon does not have are left out silently", () => {
  assert.deepEqual(resolve({ available: ["CAP_KILL", "CAP_SYS_ADMIN"] }), ["CAP_KILL"]);
});

test("a name that the daemon does not have is an error when it was asked for", () => {
  assert.throws(() => resolve({ add: ["SYS_RESOURCE"], available: without("CAP_SYS_RESOURCE") }), {
    code: "failed-precondition",
    message: "cannot give capability CAP_SYS_RESOURCE: the daemon does not have it",
  });
});

test("unknown names are refused as Docker does", () => {
  assert.throws(() => resolve({ add: ["FOO"] }), {
    code: "invalid-argument",
    message: 'invalid CapAdd: unknown capability: "CAP_FOO"',
  });
  assert.throws(() => resolve({ drop: ["cap_bar"] }), { message: 'invalid CapDrop: unknown capability: "CAP_BAR"' });
  assert.throws(() => resolve({ add: ["FOO"], privileged: true }), { code: "invalid-argument" });
});

test("ambient ones are in both sets, ALL as far as the daemon has them, and unknown names are refused", () => {
  const ambientOf = (ambient: readonly string[], drop: readonly string[] = []) =>
    resolveCapabilities({ add: [], drop, ambient, privileged: false, available: without("CAP_SYS_TIME") });
  assert.deepEqual(ambientOf(["net_admin"], ["ALL"]), { bounding: ["CAP_NET_ADMIN"], ambient: ["CAP_NET_ADMIN"] });
  assert.deepEqual(ambientOf(["ALL"]), { bounding: without("CAP_SYS_TIME"), ambient: without("CAP_SYS_TIME") });
  assert.deepEqual(ambientOf([]).ambient, []);
  assert.throws(() => ambientOf(["nosuch"]), { message: 'invalid CapAmbient: unknown capability: "CAP_NOSUCH"' });
  assert.throws(() => ambientOf(["SYS_TIME"]), { code: "failed-precondition" });
});
