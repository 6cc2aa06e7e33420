// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { EngineError, errorCodes, notFound } from "../../../base/errors.ts";
import { toStatus } from "./status.ts";

test("every code has the number that containerd gives it", () => {
  const numbers = Object.fromEntries(
    errorCodes.map((code) => [code, toStatus(new EngineError(code, "it failed")).code]),
  );
  assert.deepEqual(numbers, {
    cancelled: 1,
    unknown: 2,
    "invalid-argument": 3,
    "deadline-exceeded": 4,
    "not-found": 5,
    "already-exists": 6,
    "permission-denied": 7,
    "resource-exhausted": 8,
    "failed-precondition": 9,
    conflict: 9,
    "not-modified": 9,
    aborted: 10,
    "out-of-range": 11,
    "not-implemented": 12,
    internal: 13,
    unavailable: 14,
    "data-loss": 15,
    unauthenticated: 16,
  });
});

test("the message is ours, the cause stays here", () => {
  const sent = toStatus(notFound("container", "x", new Error("/secret/path is missing")));
  assert.deepEqual(sent, { errorCode: "not-found", code: 5, details: "no such container: x" });
});

test("what has a code of the system's keeps it, and a bug is internal", () => {
  assert.equal(toStatus(Object.assign(new Error("full"), { code: "ENOSPC" })).code, 8);
  assert.deepEqual(toStatus(new TypeError("x is not a function")), {
    errorCode: "internal",
    code: 13,
    details: "x is not a function",
  });
  assert.equal(toStatus("thrown text").code, 13);
});
