// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { resolveUser } from "./user.ts";

const passwd = [
  "root:x:0:0:root:/root:/bin/sh",
  "broken:x:abc:0::/:",
  "# a comment",
  "",
  "web:x:33:33:web server:/var/www:/usr/sbin/nologin",
  "1000:x:4242:4243:a name of digits:/home/digits:",
  "nohome:x:50:50",
  "huge:x:4294967296:0::/:",
].join("\n");
const group = [
  "root:x:0:root",
  "web:x:33:",
  "audio:x:29:web,other",
  "video:x:44: web ",
  "bad:x:-:web",
  "digits:x:4243:",
].join("\n");

function resolve(user: string, groupAdd: readonly string[] = []) {
  return resolveUser({ user, groupAdd, passwd, group });
}

const cases: readonly [user: string, uid: number, gid: number, gids: readonly number[], home: string][] = [
  ["", 0, 0, [0], "/root"],
  ["root", 0, 0, [0], "/root"],
  ["0", 0, 0, [0], "/root"],
  ["web", 33, 33, [33, 29, 44], "/var/www"],
  ["33", 33, 33, [33, 29, 44], "/var/www"],
  ["web:audio", 33, 29, [29], "/var/www"],
  ["web:", 33, 33, [33, 29, 44], "/var/www"],
  ["web:77", 33, 77, [77], "/var/www"],
  ["5000", 5000, 0, [0], "/"],
  ["5000:6000", 5000, 6000, [6000], "/"],
  ["5000:video", 5000, 44, [44], "/"],
  ["1000", 4242, 4243, [4243], "/home/digits"],
  ["nohome", 50, 50, [50], "/"],
  ["2147483647", 2147483647, 0, [0], "/"],
  [":video", 0, 44, [44], "/root"],
];
for (const [user, uid, gid, additionalGids, home] of cases) {
  test(`user "${user}" is ${uid}:${gid}`, () => {
    assert.deepEqual(resolve(user), { uid, gid, additionalGids, home });
  });
}

const failures: readonly [user: string, message: string][] = [
  ["nobody", "unable to find user nobody: no matching entries in passwd file"],
  ["broken", "unable to find user broken: no matching entries in passwd file"],
  ["web:nogroup", "unable to find group nogroup: no matching entries in group file"],
  ["web:bad", "unable to find group bad: no matching entries in group file"],
  ["2147483648", "uids and gids must be in range 0-2147483647"],
  ["4294967296", "uids and gids must be in range 0-2147483647"],
  ["huge", "uids and gids must be in range 0-2147483647"],
  ["-1", "uids and gids must be in range 0-2147483647"],
  ["0:4294967296", "uids and gids must be in range 0-2147483647"],
  ["0:-1", "uids and gids must be in range 0-2147483647"],
];
for (const [user, message] of failures) {
  test(`user "${user}" is refused: ${message}`, () => {
    assert.throws(() => resolve(user), { code: "invalid-argument", message });
  });
}

test("added groups are names of the image's file or numbers, without doubles", () => {
  assert.deepEqual(resolve("web", ["video", "999", "29"]).additionalGids, [33, 29, 44, 999]);
  assert.throws(() => resolve("web", ["wheel"]), {
    message: "unable to find group wheel: no matching entries in group file",
  });
  assert.throws(() => resolve("web", ["2147483648"]), { message: "uids and gids must be in range 0-2147483647" });
});

test("an image without the files takes numbers only", () => {
  assert.deepEqual(resolveUser({ user: "", groupAdd: [], passwd: "", group: "" }), {
    uid: 0,
    gid: 0,
    additionalGids: [0],
    home: "/",
  });
  assert.throws(() => resolveUser({ user: "root", groupAdd: [], passwd: "", group: "" }), {
    message: "unable to find user root: no matching entries in passwd file",
  });
});

test("merge counts memberships also when a group was named, strict never does", () => {
  const gids = (user: string, policy: "merge" | "strict") =>
    resolveUser({ user, groupAdd: ["1234"], passwd, group, policy }).additionalGids;
  assert.deepEqual(gids("web:77", "merge"), [77, 29, 44, 1234]);
  assert.deepEqual(gids("web", "merge"), [33, 29, 44, 1234]);
  assert.deepEqual(gids("web", "strict"), [33, 1234]);
  assert.deepEqual(gids("33:77", "strict"), [77, 1234]);
});
