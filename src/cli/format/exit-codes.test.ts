// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { internal, notFound } from "../../base/errors.ts";
import { signalExit, startFailureExit } from "./exit-codes.ts";

const cases = [
  ['exec: "nope": executable file not found in $PATH', 127],
  ['exec: "/bin/nope": stat /bin/nope: no such file or directory', 127],
  ['exec: "/etc/passwd": permission denied', 126],
  ['exec: "/etc": is a directory', 126],
  ["port 8080 is already allocated", 125],
] as const;

for (const [message, code] of cases) {
  test(`"${message}" exits with ${code}`, () => {
    assert.equal(startFailureExit(internal(`start container web: ${message}`)), code);
  });
}

test("an engine's failure before the start exits with 125", () => {
  assert.equal(startFailureExit(notFound("image", "nope")), 125);
  assert.equal(startFailureExit("thrown text"), 125);
});

test("a process that a signal ended exits with 128 and its number", () => {
  assert.equal(signalExit(15), 143);
});
