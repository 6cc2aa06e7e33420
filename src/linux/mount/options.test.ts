// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { mountAttributes, mountFlags } from "../ffi/mount.ts";
import { splitLowerDirectories } from "./mount-all.ts";
import { attributesOf, parseMountOptions } from "./options.ts";

test("sorts options into flags, propagation, tree attributes and data", () => {
  const parsed = parseMountOptions([
    "rbind",
    "ro",
    "nosuid",
    "nodev",
    "noexec",
    "rslave",
    "rro",
    "size=64k",
    "mode=755",
  ]);
  const { readOnly, noSuid, noDevices, noExecute, slave, recursive } = mountFlags;
  assert.equal(parsed.flags, readOnly | noSuid | noDevices | noExecute);
  assert.ok(parsed.bind && parsed.recursiveBind);
  assert.deepEqual(parsed.propagation, [slave | recursive]);
  assert.equal(parsed.recursiveSet, mountAttributes.readOnly);
  assert.deepEqual(parsed.data, ["size=64k", "mode=755"]);
});

test("lets a later option win over an earlier one", () => {
  assert.equal(parseMountOptions(["ro", "rw"]).flags, 0);
  assert.equal(parseMountOptions(["noatime", "relatime"]).flags, mountFlags.relativeAccessTime);
  const { recursiveSet, recursiveClear } = parseMountOptions(["rro", "rrw"]);
  assert.deepEqual([recursiveSet, recursiveClear], [0, mountAttributes.readOnly]);
});

test("takes words that JavaScript objects inherit for data", () => {
  assert.deepEqual(parseMountOptions(["constructor", "", "toString"]).data, ["constructor", "toString"]);
});

test("translates flags of mount(2) into attributes of fsmount(2)", () => {
  const flags = mountFlags.readOnly | mountFlags.noExecute | mountFlags.noAccessTime;
  assert.equal(
    attributesOf(flags),
    mountAttributes.readOnly | mountAttributes.noExecute | mountAttributes.noAccessTime,
  );
});

test("splits lower directories at colons that are not escaped", () => {
  assert.deepEqual(splitLowerDirectories("/a:/b\\:c:/d\\\\e"), ["/a", "/b:c", "/d\\e"]);
});
