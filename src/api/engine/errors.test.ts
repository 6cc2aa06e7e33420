// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, ConnectError, type UnaryRequest, type UnaryResponse } from "@connectrpc/connect";
import { EngineError, errorCodes, notFound } from "../../base/errors.ts";
import type { LogFields, Logger } from "../../base/log.ts";
import { errorInterceptor, toConnectError } from "./errors.ts";

test("every code has a status of Connect's and travels by its own name", () => {
  for (const code of errorCodes) {
    const sent = toConnectError(new EngineError(code, "it failed"));
    assert.equal(sent.metadata.get("berth-code"), code);
    assert.equal(sent.rawMessage, "it failed");
    assert.ok(sent.code in Code);
    // Connect has a name for all but three of ours.
    const own = Code[sent.code]?.replaceAll(/(?<=[a-z])[A-Z]/g, "-$&").toLowerCase();
    const expected = { conflict: "failed-precondition", "not-modified": "failed-precondition", cancelled: "canceled" };
    assert.equal(own, { ...expected, "not-implemented": "unimplemented" }[code as string] ?? code);
  }
});

test("the cause stays here", () => {
  const sent = toConnectError(notFound("image", "x", new Error("/secret/path is missing")));
  assert.equal(sent.cause, undefined);
  assert.ok(!JSON.stringify(sent).includes("secret"));
  assert.equal(toConnectError(Object.assign(new Error("full"), { code: "ENOSPC" })).code, Code.ResourceExhausted);
  const own = new ConnectError("done", Code.Aborted);
  assert.equal(toConnectError(own), own);
});

/** Keeps the levels of what is logged. */
function recorder(): { readonly lines: [string, LogFields, string][]; readonly logger: Logger } {
  const lines: [string, LogFields, string][] = [];
  const at = (level: string) => (fields: LogFields, message: string) => void lines.push([level, fields, message]);
  const logger: Logger = {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: () => logger,
  };
  return { lines, logger };
}

const request = { stream: false, method: { name: "Start" } } as UnaryRequest;

test("a client's mistake is logged quietly, ours loudly, both with the cause", async () => {
  const { lines, logger } = recorder();
  const mistake = notFound("container", "x");
  const bug = new TypeError("x is not a function");
  for (const thrown of [mistake, bug]) {
    const call = errorInterceptor(logger)(() => Promise.reject(thrown));
    await assert.rejects(call(request), (error) => error instanceof ConnectError);
  }
  assert.deepEqual(lines, [
    ["debug", { method: "Start", code: "not-found", err: mistake }, "no such container: x"],
    ["error", { method: "Start", code: "unknown", err: bug }, "x is not a function"],
  ]);
});

test("a stream that fails on the way is mapped too, and a good answer is left alone", async () => {
  const { lines, logger } = recorder();
  async function* messages() {
    yield 1;
    throw notFound("exec", "y");
  }
  const answer = { stream: true, message: messages() } as unknown as UnaryResponse;
  const response = await errorInterceptor(logger)(() => Promise.resolve(answer))(request);
  const received: unknown[] = [];
  const reading = (async () => {
    for await (const message of response.message as unknown as AsyncIterable<unknown>) received.push(message);
  })();
  await assert.rejects(reading, { code: Code.NotFound, rawMessage: "no such exec: y" });
  assert.deepEqual(received, [1]);
  assert.equal(lines.length, 1);
  const plain = { stream: false } as UnaryResponse;
  assert.equal(await errorInterceptor(logger)(() => Promise.resolve(plain))(request), plain);
});
