// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import { hasErrno, ifThere, ifThereSync } from "./errno.ts";

const missing = "/proc/self/no-such-file";

test("gives what is there, and undefined for what is not", async () => {
  assert.equal(await ifThere(readFile(missing, "utf8")), undefined);
  assert.equal(
    ifThereSync(() => readFileSync(missing)),
    undefined,
  );
  assert.match((await ifThere(readFile("/proc/self/comm", "utf8"))) ?? "", /\n$/);
  assert.ok(ifThereSync(() => readFileSync("/proc/self/comm")));
});

test("hands every other failure on", async () => {
  await assert.rejects(ifThere(readdir("/proc/self/comm")), { code: "ENOTDIR" });
  assert.throws(() => ifThereSync(() => readFileSync("/proc/self")), { code: "EISDIR" });
});

test("tells failures by any of several names, and takes whatever was thrown", () => {
  const error = Object.assign(new Error("busy"), { code: "EBUSY" });
  assert.ok(hasErrno(error, "ENOENT", "EBUSY"));
  assert.ok(!hasErrno(error, "ENOENT"));
  for (const odd of [undefined, null, "EBUSY", { code: 16 }]) assert.ok(!hasErrno(odd, "EBUSY"));
});
