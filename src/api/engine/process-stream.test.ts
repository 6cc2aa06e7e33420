// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { cancelled, failedPrecondition } from "../../base/errors.ts";
import { OutputStream } from "../../gen/berth/engine/v1/container_pb.js";
import { forwardInput, nextRequest, toOutput } from "./process-stream.ts";

type Request = Parameters<typeof forwardInput>[0] extends AsyncIterator<infer T> ? T : never;
const data = (text: string): Request => ({ request: { case: "stdin", value: Buffer.from(text) } });
const end: Request = { request: { case: "stdinEnd", value: true } };
const settle = () => new Promise((resolve) => setImmediate(resolve));

async function* requests(...list: readonly Request[]): AsyncGenerator<Request> {
  yield* list;
}

/** A process that notes what it gets; fails on a chunk that is an error's message. */
function target(failure?: Error) {
  const received: string[] = [];
  return {
    received,
    writeStdin: (bytes: Uint8Array) => {
      if (failure !== undefined) return Promise.reject(failure);
      received.push(Buffer.from(bytes).toString());
      return Promise.resolve();
    },
    endStdin: () => {
      received.push("<end>");
      return Promise.resolve();
    },
  };
}

test("passes input on in order, and its end", async () => {
  const process = target();
  await using forwarding = forwardInput(requests(data("a"), data("b"), end), process);
  await settle();
  assert.deepEqual(process.received, ["a", "b", "<end>"]);
  forwarding.throwIfFailed();
});

test("a client that leaves has not ended the input", async () => {
  const process = target();
  await using forwarding = forwardInput(requests(data("a")), process);
  await settle();
  assert.deepEqual(process.received, ["a"]);
  forwarding.throwIfFailed();
});

test("without a process that reads, input is dropped", async () => {
  const input = requests(data("a"), end);
  await using forwarding = forwardInput(input, undefined);
  await settle();
  assert.deepEqual(await input.next(), { done: true, value: undefined });
  forwarding.throwIfFailed();
});

test("a process that takes no more input is no failure, a broken FIFO is one", async () => {
  for (const harmless of [failedPrecondition("stdin of x is closed"), cancelled()]) {
    await using forwarding = forwardInput(requests(data("a")), target(harmless));
    await settle();
    forwarding.throwIfFailed();
  }
  const broken = Object.assign(new Error("write failed"), { code: "EIO" });
  await using forwarding = forwardInput(requests(data("a")), target(broken));
  await settle();
  assert.throws(() => forwarding.throwIfFailed(), { name: "EngineError", code: "internal", message: "write failed" });
});

test("after disposing nothing is forwarded any more, and a late failure is of no interest", async () => {
  const process = target();
  const late = Promise.withResolvers<IteratorResult<Request>>();
  const forwarding = forwardInput({ next: () => late.promise }, process);
  await forwarding[Symbol.asyncDispose]();
  late.resolve({ done: false, value: data("late") });
  await settle();
  assert.deepEqual(process.received, []);
  const failing = Promise.withResolvers<IteratorResult<Request>>();
  const second = forwardInput({ next: () => failing.promise }, process);
  await second[Symbol.asyncDispose]();
  failing.reject(new Error("the connection is gone"));
  await settle();
  second.throwIfFailed();
});

test("a stream that ends before its first message is a cancellation", async () => {
  assert.deepEqual(await nextRequest(requests(data("a"))), data("a"));
  await assert.rejects(nextRequest(requests()), { code: "cancelled" });
});

test("output says which stream it is of", () => {
  const bytes = Buffer.from("x");
  assert.deepEqual(toOutput({ stream: "stderr", data: bytes }), { stream: OutputStream.STDERR, data: bytes });
  assert.deepEqual(toOutput({ stream: "stdout", data: bytes }), { stream: OutputStream.STDOUT, data: bytes });
});
