// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { errorCodes } from "../../src/base/errors.ts";
import { BerthError, errorOfEndStream, errorOfResponse } from "./errors.ts";

const json = (value: unknown) => Buffer.from(JSON.stringify(value));

/** Connect's names for the codes that it has. */
const connectNames: Readonly<Record<string, string>> = { cancelled: "canceled", "not-implemented": "unimplemented" };

test("every code of the engine comes through, with its own name or by Connect's", () => {
  for (const code of errorCodes) {
    const own = errorOfResponse(500, code, json({ code: "unknown", message: "it failed" }));
    assert.deepEqual([own.code, own.message, own.isFromDaemon], [code, "it failed", true]);
    if (code === "conflict" || code === "not-modified") continue;
    const name = connectNames[code] ?? code.replaceAll("-", "_");
    assert.equal(errorOfResponse(500, undefined, json({ code: name })).code, code);
    assert.equal(errorOfEndStream(json({ error: { code: name } }))?.code, code);
  }
});

test("the end of a stream has an error or none", () => {
  assert.equal(errorOfEndStream(json({})), undefined);
  assert.equal(errorOfEndStream(json({ metadata: {} })), undefined);
  const error = errorOfEndStream(
    json({ error: { code: "failed_precondition", message: "taken" }, metadata: { "berth-code": ["conflict"] } }),
  );
  assert.deepEqual([error?.code, error?.message, error?.isFromDaemon], ["conflict", "taken", true]);
});

test("an answer that is not the daemon's is said to be none", () => {
  for (const body of ["", "<html>", "null", "[]", '"text"', "{}"]) {
    const error = errorOfResponse(502, undefined, Buffer.from(body));
    assert.deepEqual(
      [error.code, error.message, error.isFromDaemon],
      ["unknown", "the daemon answered with HTTP status 502", false],
    );
  }
});

test("is told from other errors by its class and name", () => {
  const cause = new Error("why");
  const error = new BerthError("not-found", "no such container: x", { cause });
  assert.deepEqual([error.name, error.cause, error.isFromDaemon], ["BerthError", cause, false]);
});
