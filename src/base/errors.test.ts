// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { readFile, rmdir } from "node:fs/promises";
import { connect } from "node:net";
import { test } from "node:test";
import {
  alreadyExists,
  cancelled,
  codeOf,
  EngineError,
  assert as engineAssert,
  errorCodes,
  hasCode,
  internal,
  isEngineError,
  messageOf,
  notFound,
  toEngineError,
} from "./errors.ts";

test("names the object in the message and in the details", () => {
  const error = notFound("container", "web", new Error("no record"));
  assert.equal(error.message, "no such container: web");
  assert.equal(error.code, "not-found");
  assert.deepEqual(error.details, { kind: "container", id: "web" });
  assert.equal((error.cause as Error).message, "no record");
  assert.equal(alreadyExists("volume", "data").message, "volume data already exists");
  assert.equal("cause" in internal("a bug"), false);
});

test("recognises an error of another copy of the module by its brand", () => {
  const foreign = Object.assign(new Error("elsewhere"), {
    code: "conflict",
    details: {},
    [Symbol.for("berth.EngineError")]: true,
  });
  assert.ok(isEngineError(foreign));
  assert.equal(codeOf(new Error("wrapped", { cause: foreign })), "conflict");
  for (const other of [undefined, null, "text", new Error("plain"), { code: "conflict" }]) {
    assert.equal(isEngineError(other), false);
  }
});

test("knows the code of what Node and the kernel throw", async () => {
  const missing = await readFile("/proc/self/no-such-file").catch((error: unknown) => error);
  assert.equal(codeOf(missing), "not-found");
  assert.equal(codeOf(await readFile("/proc").catch((error: unknown) => error)), "failed-precondition");
  assert.equal(codeOf(await rmdir("/proc/version").catch((error: unknown) => error)), "failed-precondition");
  const refused = await new Promise((resolve) => connect("/proc/self/no-such-socket").once("error", resolve));
  assert.equal(codeOf(refused), "not-found");
});

test("knows what an errno means for a client", () => {
  for (const [name, code] of [
    ["ESRCH", "not-found"],
    ["ENOTDIR", "failed-precondition"],
    ["EROFS", "failed-precondition"],
    ["EAGAIN", "unavailable"],
    ["ENAMETOOLONG", "invalid-argument"],
    ["ENOTSUP", "not-implemented"],
    ["EIO", "internal"],
    ["ENOSPC", "resource-exhausted"],
  ]) {
    assert.equal(codeOf({ code: name }), code, name);
  }
});

test("tells a deadline from a cancellation, whichever reason stands behind it", () => {
  assert.equal(codeOf(AbortSignal.timeout(0).reason ?? new DOMException("late", "TimeoutError")), "deadline-exceeded");
  const plain = new AbortController();
  plain.abort();
  assert.equal(codeOf(plain.signal.reason), "cancelled");
  // Node wraps the reason: the reason counts, not the wrapping.
  const wrapped = new Error("The operation was aborted", { cause: notFound("image", "x") });
  wrapped.name = "AbortError";
  assert.equal(codeOf(wrapped), "not-found");
  assert.ok(hasCode(cancelled(), "cancelled"));
});

test("ends at a circle of causes and at what is no error", () => {
  const circle = new Error("a");
  circle.cause = new Error("b", { cause: circle });
  for (const odd of [circle, undefined, "text", 42, new Error("plain"), { code: 17 }]) {
    assert.equal(codeOf(odd), "unknown");
  }
});

test("a failure counts more than that of the clean-up after it", async () => {
  const failing = async () => {
    await using undo = new AsyncDisposableStack();
    undo.defer(() => Promise.reject(new Error("the clean-up failed")));
    undo.defer(() => Promise.reject(new Error("so did this")));
    throw notFound("image", "x");
  };
  const error = await failing().catch((thrown: unknown) => thrown);
  assert.equal((error as Error).name, "SuppressedError");
  assert.equal(codeOf(error), "not-found");
  assert.equal(messageOf(error), "no such image: x");
  assert.equal(toEngineError(error, "start").message, "start: no such image: x");
});

test("adds context without losing code, details or cause", () => {
  const original = notFound("blob", "sha256:ab");
  assert.equal(toEngineError(original), original);
  const wrapped = toEngineError(original, "unpack layer");
  assert.equal(wrapped.message, "unpack layer: no such blob: sha256:ab");
  assert.equal(wrapped.code, "not-found");
  assert.deepEqual(wrapped.details, original.details);
  assert.equal(wrapped.cause, original);
  const foreign = toEngineError(Object.assign(new Error("no space"), { code: "ENOSPC" }), "write");
  assert.equal(foreign.code, "resource-exhausted");
  assert.equal(foreign.message, "write: no space");
  assert.equal(toEngineError("just text").message, "just text");
  assert.equal(messageOf(7), "7");
});

test("calls a broken assumption a bug of ours", () => {
  const order: readonly string[] = ["only"];
  engineAssert(order, "holds");
  assert.throws(() => engineAssert(order.length > 1, "order"), {
    code: "internal",
    message: "assertion failed: order",
  });
});

test("keeps the list of codes free of repetition", () => {
  assert.equal(new Set(errorCodes).size, errorCodes.length);
  for (const code of errorCodes) assert.equal(new EngineError(code, "x").code, code);
});
