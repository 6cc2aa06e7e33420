// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { failuresIn } from "./checkpoint.ts";

test("of all that criu says its failures are told, in their order", () => {
  const log = [
    "(00.000010) Version: 4.1.1 (gitid 0)",
    "(00.000100) Error (criu/rlimit.c:25): rlimit: Can't setup RLIMIT_NOFILE for self: Operation not permitted",
    "(00.000500) Warn  (criu/kerndat.c:1285): Can't keep kdat cache on non-tempfs",
    "(00.020000)      7: Error (criu/sk-inet.c:191): inet: Connected TCP socket, consider using --tcp-established option.",
    "(00.020001) Error (criu/cr-dump.c:2098): Dumping FAILED.",
  ].join("\n");
  assert.equal(
    failuresIn(log),
    "rlimit: Can't setup RLIMIT_NOFILE for self: Operation not permitted; " +
      "inet: Connected TCP socket, consider using --tcp-established option; Dumping FAILED",
  );
  assert.equal(failuresIn("Looks good.\n"), undefined);
  assert.equal(failuresIn(""), undefined);
});

test("a log full of failures is cut to the last ones, each told once", () => {
  const log = [1, 2, 2, 3, 4, 5, 6].map((number) => `Error (criu/x.c:${number}): failure ${number}`).join("\n");
  assert.equal(failuresIn(log), "failure 2; failure 3; failure 4; failure 5; failure 6");
});
