// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { isWithin, mountOf, parseMountInfo } from "./mountinfo.ts";

const table = [
  "21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard",
  "30 21 0:25 / /run/a\\040b\\011c\\134d rw,nosuid - tmpfs none\\0431 rw,size=4k",
  "31 21 0:26 /sub /run/x ro master:7 propagate_from:2 - overlay overlay ro,lowerdir=/a\\072b:/c,upperdir=/u",
  "32 21 0:27 / /run/x rw shared:9 master:8 unbindable - tmpfs tmpfs rw",
  "nonsense",
  "",
].join("\n");

test("reads every field of a mount and undoes the kernel's escapes", () => {
  const [root, odd, overlay, both] = parseMountInfo(table);
  assert.deepEqual(root, {
    id: 21,
    parent: 1,
    root: "/",
    mountPoint: "/",
    options: ["rw", "relatime"],
    sharedGroup: 1,
    type: "ext4",
    source: "/dev/vda",
    superOptions: ["rw", "discard"],
  });
  assert.equal(odd?.mountPoint, "/run/a b\tc\\d");
  assert.equal(odd?.source, "none#1");
  assert.equal(overlay?.root, "/sub");
  assert.equal(overlay?.masterGroup, 7);
  assert.equal(overlay?.sharedGroup, undefined);
  assert.deepEqual(overlay?.superOptions, ["ro", "lowerdir=/a:b:/c", "upperdir=/u"]);
  assert.deepEqual([both?.sharedGroup, both?.masterGroup], [9, 8]);
  assert.equal(parseMountInfo(table).length, 4);
});

test("finds the topmost mount that a path lies on", () => {
  const mounts = parseMountInfo(table);
  assert.equal(mountOf("/run/x/y", mounts)?.id, 32);
  assert.equal(mountOf("/run/xy", mounts)?.id, 21);
  assert.ok(isWithin("/a/b", "/a"));
  assert.ok(isWithin("/a", "/"));
  assert.ok(!isWithin("/ab", "/a"));
});
