// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseNetworkConfiguration, parsePluginError, parseResult, parseVersions } from "./cni-documents.ts";
import { negotiateVersion } from "./cni-version.ts";

const configuration = (document: unknown) => parseNetworkConfiguration(JSON.stringify(document), "10-x.conflist");

test("a list and a single plugin's configuration are both a list", () => {
  const list = configuration({ cniVersion: "1.0.0", name: "n", plugins: [{ type: "bridge", mtu: 9000 }] });
  assert.deepEqual(list.plugins, [{ type: "bridge", mtu: 9000 }]);
  const single = configuration({ cniVersion: "0.4.0", name: "n", type: "ptp" });
  assert.equal(single.plugins[0]?.type, "ptp");
  assert.deepEqual([single.disableCheck, single.disableGC, single.cniVersions], [false, false, []]);
});

for (const [what, document] of [
  ["no name", { plugins: [{ type: "bridge" }] }],
  ["a name that is a path", { name: "../n", plugins: [{ type: "bridge" }] }],
  ["a version that is a number", { name: "n", cniVersion: 1, type: "bridge" }],
  ["no plugins", { name: "n", plugins: [] }],
  ["a plugin without a type", { name: "n", plugins: [{}] }],
  ["a plugin that is a path", { name: "n", plugins: [{ type: "../../bin/sh" }] }],
  ["a plugin that is a string", { name: "n", plugins: ["bridge"] }],
  ["a list", []],
] as const) {
  test(`${what} is refused, with the file's name`, () => {
    assert.throws(() => configuration(document), { code: "invalid-argument", message: /10-x\.conflist/ });
  });
}

test("what a plugin printed when it failed becomes the message", () => {
  const error = (output: string) => parsePluginError(output, "network n: CNI plugin p at ADD");
  assert.equal(error('{"code":7,"msg":"bad"}').code, "invalid-argument");
  assert.equal(error('{"code":999,"msg":"no IP addresses available in range set"}').code, "resource-exhausted");
  assert.equal(error("panic: x\n").message, "network n: CNI plugin p at ADD: panic: x");
  assert.equal(error("").message, "network n: CNI plugin p at ADD: no reason given");
  const missing = 'failed to locate iptables: exec: "iptables": executable file not found in $PATH';
  assert.match(error(JSON.stringify({ code: 999, msg: missing })).message, /\(apt-get install iptables\)$/);
});

test("an answer that is none is refused", () => {
  assert.throws(() => parseResult("[]", "p"), /p is not a JSON object/);
  assert.throws(() => parseResult('{"ips":"10.0.0.1"}', "p"), /ips is not a list/);
  assert.throws(() => parseVersions("{}", "p"), /no supportedVersions/);
});

test("the version is the highest that all know, and none above what the configuration asks for", () => {
  const network = configuration({ name: "n", cniVersion: "1.0.0", plugins: [{ type: "a" }] });
  const negotiate = (...supported: readonly (readonly string[])[]) =>
    negotiateVersion(network, new Map(supported.map((versions, index) => [`p${index}`, versions])));
  assert.equal(negotiate(["0.4.0", "1.0.0", "1.1.0"], ["1.0.0"]), "1.0.0");
  assert.equal(negotiate(["0.3.1", "0.4.0", "1.0.0"], ["0.3.1", "0.4.0"]), "0.4.0");
  assert.equal(negotiate(["1.0.0", "1.1.0"]), "1.0.0");
  assert.throws(() => negotiate(["1.0.0"], ["0.4.0"]), { code: "failed-precondition" });
});
