// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { isRetriedStatus, isTransient, pause, retryAfterMs } from "./retry.ts";

test("Retry-After is read as seconds and as a date, never as a time in the past", () => {
  const now = Date.parse("Sat, 21 Nov 2026 11:00:00 GMT");
  assert.equal(retryAfterMs("7", now), 7000);
  assert.equal(retryAfterMs("Sat, 21 Nov 2026 11:00:09 GMT", now), 9000);
  assert.equal(retryAfterMs("Sat, 21 Nov 2026 10:00:00 GMT", now), 0);
  assert.equal(retryAfterMs("soon", now), undefined);
  assert.equal(retryAfterMs(undefined, now), undefined);
});

test("a pause is capped whatever the server asks, and the signal ends it", async () => {
  const policy = { attempts: 3, firstPauseMs: 10_000, longestPauseMs: 5 };
  await pause(policy, 9, { retryAfter: "86400", signal: new AbortController().signal });
  const aborted = AbortSignal.abort(new Error("enough"));
  await assert.rejects(pause({ ...policy, longestPauseMs: 60_000 }, 1, { signal: aborted }), /enough/);
});

test("busy and broken servers and connections are tried again, refusals are not", () => {
  assert.deepEqual([429, 500, 502, 503, 504].map(isRetriedStatus), Array(5).fill(true));
  assert.deepEqual([400, 401, 403, 404, 501].map(isRetriedStatus), Array(5).fill(false));
  assert.equal(isTransient(new Error("x", { cause: Object.assign(new Error("y"), { code: "ECONNRESET" }) })), true);
  assert.equal(isTransient(Object.assign(new Error("y"), { code: "CERT_HAS_EXPIRED" })), false);
});
