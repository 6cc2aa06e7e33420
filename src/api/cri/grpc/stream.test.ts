// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { Code } from "@connectrpc/connect";
import { EngineError, failedPrecondition } from "../../../base/errors.ts";
import type { CallContext } from "./service.ts";
import { clientOf, emptyMessage, http2To, lineOf, serveForTest } from "./testing/serve-for-test.ts";

const limited = { timeout: 30_000 };
const grpcHeaders = { ":method": "POST", "content-type": "application/grpc", te: "trailers" };

test("a stream gives each message in order and ends", limited, async (t) => {
  const { client, lines } = await serveForTest(t, {
    async *streamContainers() {
      for (let index = 0; index < 500; index++) yield { containers: [{ id: `${index}` }] };
    },
  });
  const received: string[] = [];
  for await (const { containers } of client.streamContainers({})) received.push(...containers.map(({ id }) => id));
  assert.deepEqual(
    received,
    Array.from({ length: 500 }, (_, index) => `${index}`),
  );
  assert.deepEqual(
    lines.map(({ level, fields }) => [level, fields["method"], fields["code"]]),
    [["debug", "StreamContainers", "ok"]],
  );
});

test("a stream that fails gives what came before", limited, async (t) => {
  const { client } = await serveForTest(t, {
    async *streamContainers() {
      yield { containers: [{ id: "first" }] };
      throw failedPrecondition("the rest is away");
    },
    streamPodSandboxes() {
      throw failedPrecondition("not now");
    },
  });
  const received: number[] = [];
  const reading = (async () => {
    for await (const { containers } of client.streamContainers({})) received.push(containers.length);
  })();
  await assert.rejects(reading, { code: Code.FailedPrecondition, rawMessage: "the rest is away" });
  assert.deepEqual(received, [1]);
  await assert.rejects(client.streamPodSandboxes({})[Symbol.asyncIterator]().next(), { code: Code.FailedPrecondition });
});

test("a slow reader holds the handler back, and gets everything in the end", limited, async (t) => {
  const megabyte = "x".repeat(1024 * 1024);
  let yielded = 0;
  const { client, socket } = await serveForTest(t, {
    version: async () => ({}),
    async *streamContainers() {
      for (; yielded < 40; yielded++) yield { containers: [{ id: megabyte }] };
    },
  });
  const stream = http2To(t, socket).request({ ...grpcHeaders, ":path": "/runtime.v1.RuntimeService/StreamContainers" });
  stream.pause();
  stream.end(emptyMessage);
  await once(stream, "response");
  // The server has had every chance to run ahead.
  for (let index = 0; index < 200; index++) await client.version({});
  assert.ok(yielded <= 2, `${yielded} messages were made for a client that reads none`);
  let bytes = 0;
  stream.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
  });
  stream.resume();
  const [trailers] = (await once(stream, "trailers")) as [Record<string, string>];
  assert.equal(trailers["grpc-status"], "0");
  assert.ok(bytes > 40 * megabyte.length);
});

/** A stream that yields once and then waits for ever, and what becomes of it. */
function endless() {
  const ended = Promise.withResolvers<unknown>();
  async function* handler(_: unknown, { signal }: CallContext) {
    try {
      yield { containerId: "first" };
      await new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason as Error));
      });
    } finally {
      ended.resolve(signal.reason);
    }
  }
  return { handler, ended: ended.promise };
}

test("a client that leaves ends the stream's signal and iterator", limited, async (t) => {
  const { handler, ended } = endless();
  const { client, lines } = await serveForTest(t, { getContainerEvents: handler });
  const leave = new AbortController();
  for await (const { containerId } of client.getContainerEvents({}, { signal: leave.signal })) {
    assert.equal(containerId, "first");
    break;
  }
  leave.abort();
  const reason = await ended;
  assert.ok(reason instanceof EngineError);
  assert.equal(reason.code, "cancelled");
  assert.equal((await lineOf("GetContainerEvents", lines)).fields["code"], "cancelled");
});

test("a connection that breaks ends its streams alone", limited, async (t) => {
  const { handler, ended } = endless();
  const { client, socket } = await serveForTest(t, { version: async () => ({}), getContainerEvents: handler });
  const session = http2To(t, socket);
  const stream = session.request({ ...grpcHeaders, ":path": "/runtime.v1.RuntimeService/GetContainerEvents" });
  stream.on("error", () => {});
  stream.end(emptyMessage);
  await once(stream, "data");
  session.destroy();
  assert.ok((await ended) instanceof EngineError);
  await client.version({});
});

test("return() is called on an iterator that waits for something else", limited, async (t) => {
  const returned = Promise.withResolvers<void>();
  const { client } = await serveForTest(t, {
    getContainerEvents: () => ({
      [Symbol.asyncIterator]: () => ({
        next: async () => await new Promise<never>(() => {}),
        async return() {
          returned.resolve();
          return await Promise.resolve({ done: true as const, value: undefined });
        },
      }),
    }),
  });
  const iterator = client.getContainerEvents({}, { timeoutMs: 50 })[Symbol.asyncIterator]();
  await assert.rejects(iterator.next(), { code: Code.DeadlineExceeded });
  await returned.promise;
});

test("the deadline ends a stream whose client reads nothing", limited, async (t) => {
  const stopped = Promise.withResolvers<unknown>();
  const { socket } = await serveForTest(t, {
    async *streamContainers(_, { signal }) {
      try {
        for (;;) yield { containers: [{ id: "x".repeat(1024 * 1024) }] };
      } finally {
        stopped.resolve(signal.reason);
      }
    },
  });
  const stream = http2To(t, socket).request({
    ...grpcHeaders,
    ":path": "/runtime.v1.RuntimeService/StreamContainers",
    "grpc-timeout": "200m",
  });
  stream.on("error", () => {});
  stream.pause();
  stream.end(emptyMessage);
  const reason = await stopped.promise;
  assert.ok(reason instanceof EngineError);
  assert.equal(reason.code, "deadline-exceeded");
});

test("several clients stream at once", limited, async (t) => {
  const { socket } = await serveForTest(t, {
    async *streamContainers({ filter }) {
      for (let index = 0; index < 50; index++) yield { containers: [{ id: `${filter?.id}-${index}` }] };
    },
  });
  const last = async (id: string) => {
    let seen = "";
    for await (const { containers } of clientOf(socket).streamContainers({ filter: { id } }))
      seen = containers[0]?.id ?? "";
    return seen;
  };
  assert.deepEqual(await Promise.all(["a", "b", "c"].map(last)), ["a-49", "b-49", "c-49"]);
});
