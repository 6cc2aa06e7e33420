// SPDX-License-Identifier: Apache-2.0
// Client and server against each other over real sockets; the peers of the real world are met in the shim driver's tests.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { create, createFileRegistry, type DescMethodServerStreaming } from "@bufbuild/protobuf";
import {
  FileDescriptorProtoSchema,
  file_google_protobuf_wrappers,
  type StringValueSchema,
} from "@bufbuild/protobuf/wkt";
import { EngineError, notFound } from "../../base/errors.ts";
import { silentLogger } from "../../base/log.ts";
import { Task } from "../../gen/containerd/task/v2/task_pb.js";
import { Task as TaskV3 } from "../../gen/containerd/task/v3/task_pb.js";
import { connectTtrpc, type TtrpcClient } from "./client.ts";
import { maximumBody } from "./frame.ts";
import { type Handlers, TtrpcServer } from "./server.ts";

const signal = new AbortController().signal;

/** A server with these Task handlers and a client connected to it. */
async function withPair(
  handlers: Handlers<typeof Task>,
  work: (client: TtrpcClient, server: TtrpcServer, path: string) => Promise<void>,
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "berth-ttrpc-"));
  const path = join(directory, "s");
  try {
    await using server = new TtrpcServer({ logger: silentLogger });
    server.serve(Task, handlers);
    await server.listen(path);
    await using client = await connectTtrpc(path, { signal });
    await work(client, server, path);
  } finally {
    await rm(directory, { recursive: true });
  }
}

void test("many calls at once get their own answers, whatever the order", async () => {
  const release: (() => void)[] = [];
  const start: Handlers<typeof Task>["start"] = async ({ id }) => {
    await new Promise<void>((resolve) => {
      release.push(resolve);
      if (release.length === 50) for (const wake of release.toReversed()) wake();
    });
    return { pid: Number(id) };
  };
  await withPair({ start }, async (client) => {
    const ids = Array.from({ length: 50 }, (_, index) => index + 1);
    const answers = await Promise.all(ids.map((id) => client.call(Task.method.start, { id: `${id}` }, { signal })));
    assert.deepEqual(
      answers.map(({ pid }) => pid),
      ids,
    );
  });
});

void test("an error keeps its code and message; metadata and timeout reach the handler", async () => {
  const handlers: Handlers<typeof Task> = {
    kill: async () => {
      throw notFound("process", "7");
    },
    state: async (_request, context) => {
      await new Promise<void>((resolve) => context.signal.addEventListener("abort", () => resolve(), { once: true }));
      throw context.signal.reason;
    },
    connect: async (_request, { metadata }) => ({ version: metadata.get("namespace") ?? "" }),
  };
  await withPair(handlers, async (client) => {
    await assert.rejects(client.call(Task.method.kill, {}, { signal }), {
      code: "not-found",
      message: "no such process: 7",
    });
    const answer = await client.call(Task.method.connect, {}, { signal, metadata: { namespace: "test" } });
    assert.equal(answer.version, "test");
    await assert.rejects(client.call(Task.method.state, {}, { signal, timeoutMs: 20 }), { code: "deadline-exceeded" });
  });
});

void test("an unknown method and an unknown service are not-implemented, and the connection lives on", async () => {
  await withPair({ start: async () => ({ pid: 1 }) }, async (client) => {
    await assert.rejects(client.call(Task.method.pause, {}, { signal }), { code: "not-implemented", message: /Pause/ });
    await assert.rejects(client.call(TaskV3.method.start, {}, { signal }), { code: "not-implemented", message: /v3/ });
    assert.equal((await client.call(Task.method.start, {}, { signal })).pid, 1);
  });
});

void test("an aborted call ends at once with the reason, and its late answer harms nothing", async () => {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const handlers: Handlers<typeof Task> = {
    wait: async () => {
      await released;
      return { exitStatus: 3 };
    },
    start: async () => ({ pid: 9 }),
  };
  await withPair(handlers, async (client) => {
    const controller = new AbortController();
    const call = client.call(Task.method.wait, {}, { signal: controller.signal });
    const reason = new EngineError("cancelled", "enough");
    controller.abort(reason);
    await assert.rejects(call, reason);
    await assert.rejects(client.call(Task.method.wait, {}, { signal: controller.signal }), reason);
    release();
    assert.equal((await client.call(Task.method.start, {}, { signal })).pid, 9);
  });
});

void test("messages over the limit fail their call only, in both directions", async () => {
  const handlers: Handlers<typeof Task> = {
    connect: async () => ({ version: "x".repeat(maximumBody) }),
    start: async ({ id }) => ({ pid: id.length }),
  };
  await withPair(handlers, async (client) => {
    const large = "x".repeat(maximumBody - 100);
    assert.equal((await client.call(Task.method.start, { id: large }, { signal })).pid, large.length);
    const call = client.call(Task.method.start, { id: "x".repeat(maximumBody) }, { signal });
    await assert.rejects(call, { code: "resource-exhausted", message: /Start/ });
    await assert.rejects(client.call(Task.method.connect, {}, { signal }), { code: "resource-exhausted" });
    assert.equal((await client.call(Task.method.start, { id: "four" }, { signal })).pid, 4);
  });
});

void test("a dying server fails pending and later calls with unavailable", async () => {
  const entered = Promise.withResolvers<void>();
  const wait: Handlers<typeof Task>["wait"] = async (_request, context) => {
    entered.resolve();
    await new Promise<void>((resolve) => context.signal.addEventListener("abort", () => resolve(), { once: true }));
    return {};
  };
  await withPair({ wait }, async (client, server, path) => {
    const pending = assert.rejects(client.call(Task.method.wait, {}, { signal }), { code: "unavailable" });
    await entered.promise;
    await server[Symbol.asyncDispose]();
    await pending;
    await client.closed;
    await assert.rejects(client.call(Task.method.wait, {}, { signal }), { code: "unavailable" });
    await assert.rejects(connectTtrpc(path, { signal }), { code: "unavailable", message: `cannot connect to ${path}` });
  });
});

void test("a server that answers garbage fails the call and not the process", async () => {
  const directory = await mkdtemp(join(tmpdir(), "berth-ttrpc-"));
  const server = createServer((socket) => {
    socket.on("error", () => {}); // the client leaves first
    socket.once("data", () => socket.write(Buffer.from([0, 0, 0, 2, 0, 0, 0, 1, 2, 0, 0xff, 0xff])));
  });
  try {
    await new Promise<void>((resolve) => server.listen(join(directory, "s"), resolve));
    await using client = await connectTtrpc(join(directory, "s"), { signal });
    await assert.rejects(client.call(Task.method.start, {}, { signal }), { name: "EngineError" });
  } finally {
    server.close();
    await rm(directory, { recursive: true });
  }
});

/** A method "stream Lines(string) of string", which no service of ours has yet. */
function streamingMethod(): DescMethodServerStreaming<typeof StringValueSchema, typeof StringValueSchema> {
  const file = create(FileDescriptorProtoSchema, {
    name: "test.proto",
    package: "test",
    syntax: "proto3",
    dependency: ["google/protobuf/wrappers.proto"],
    service: [
      {
        name: "Streams",
        method: [
          {
            name: "Lines",
            inputType: ".google.protobuf.StringValue",
            outputType: ".google.protobuf.StringValue",
            serverStreaming: true,
          },
        ],
      },
    ],
  });
  const registry = createFileRegistry(file, () => file_google_protobuf_wrappers);
  const method = registry.getService("test.Streams")?.methods[0];
  assert.equal(method?.methodKind, "server_streaming");
  return method as ReturnType<typeof streamingMethod>;
}

void test("a server pushes messages, empty ones too, and ends or fails the stream", async () => {
  const lines = streamingMethod();
  await withPair({}, async (client, server) => {
    const handlers = {
      async *lines({ value }: { readonly value: string }) {
        for (const word of value.split(" ")) {
          if (word === "boom") throw new EngineError("data-loss", "the words ran out");
          yield { value: word };
        }
      },
    };
    server.serve(lines.parent, handlers as unknown as Handlers<typeof lines.parent>);
    const read = async (value: string) => {
      const words: string[] = [];
      for await (const message of client.stream(lines, { value }, { signal })) words.push(message.value);
      return words;
    };
    assert.deepEqual(await read("one  three"), ["one", "", "three"]);
    await assert.rejects(read("one boom"), { code: "data-loss", message: "the words ran out" });
  });
});

void test("the Task services of versions 2 and 3 have the same methods and fields", () => {
  const shape = (service: typeof Task | typeof TaskV3) =>
    service.methods.map((method) => [
      method.name,
      ...[method.input, method.output].map((message) =>
        message.fields.map((field) => [field.name, field.number, field.fieldKind]),
      ),
    ]);
  assert.deepEqual(shape(Task), shape(TaskV3));
});
