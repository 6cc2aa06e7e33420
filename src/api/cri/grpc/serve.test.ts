// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { EngineError, errorCodes, notFound } from "../../../base/errors.ts";
import { silentLogger } from "../../../base/log.ts";
import { ContainerState, RuntimeService } from "../../../gen/runtime/v1/api_pb.js";
import { serveGrpc } from "./serve.ts";
import { grpcService } from "./service.ts";
import { bareCall, clientOf, http2To, type RuntimeHandlers, serveForTest } from "./testing/serve-for-test.ts";

const limited = { timeout: 30_000 };

test("a request comes typed, a plain object goes as the answer", limited, async (t) => {
  const { client, lines } = await serveForTest(t, {
    listContainers: async ({ filter }) => ({
      containers: [
        { id: filter?.id ?? "", state: ContainerState.CONTAINER_RUNNING, createdAt: 5n, labels: { a: "b" } },
      ],
    }),
  });
  const { containers } = await client.listContainers({ filter: { id: "abc" } });
  assert.equal(containers[0]?.id, "abc");
  assert.equal(containers[0]?.createdAt, 5n);
  assert.deepEqual(containers[0]?.labels, { a: "b" });
  assert.equal(lines.length, 1);
  assert.equal(lines[0]?.level, "debug");
  assert.equal(lines[0]?.fields["method"], "ListContainers");
  assert.equal(lines[0]?.fields["code"], "ok");
  assert.equal(typeof lines[0]?.fields["milliseconds"], "number");
});

test("a service without one of its methods does not compile", () => {
  const handlers = {} as Omit<RuntimeHandlers, "version">;
  // @ts-expect-error -- version is missing
  grpcService(RuntimeService, handlers);
  // @ts-expect-error -- a stream is not a promise
  grpcService(RuntimeService, { ...handlers, version: async () => ({}), getContainerEvents: async () => ({}) });
  grpcService(RuntimeService, { ...handlers, version: async () => ({}) });
});

test("the socket is for owner and group, replaces a stale one and goes away with the server", limited, async (t) => {
  const directory = await mkdtemp(path.join(tmpdir(), "berth-grpc-test-"));
  t.after(async () => await rm(directory, { recursive: true, force: true }));
  const socket = path.join(directory, "cri.sock");
  await writeFile(socket, "left by another");
  const { server, client } = await serveForTest(t, { version: async () => ({ runtimeName: "berth" }) }, { socket });
  assert.equal(server.address, socket);
  assert.equal((await stat(socket)).mode & 0o777, 0o660);
  assert.ok((await stat(socket)).isSocket());
  assert.equal((await client.version({})).runtimeName, "berth");
  await server[Symbol.asyncDispose]();
  await assert.rejects(stat(socket), { code: "ENOENT" });
});

test("a path that cannot be listened on is a coded error that names it", limited, async (t) => {
  const directory = await mkdtemp(path.join(tmpdir(), "berth-grpc-test-"));
  t.after(async () => await rm(directory, { recursive: true, force: true }));
  const socket = path.join(directory, "x".repeat(200));
  const shutdownSignal = new AbortController().signal;
  await assert.rejects(serveGrpc({ socket, services: [], logger: silentLogger, shutdownSignal }), (error) => {
    return error instanceof EngineError && error.code === "unavailable" && error.message.includes(socket);
  });
});

test("each code arrives with its message and without its cause, and is logged", limited, async (t) => {
  const text = "50% of “ÿ” failed\nthere: \ud800";
  const { client, lines } = await serveForTest(t, {
    containerStatus: async ({ containerId }) => {
      const code = errorCodes.find((each) => each === containerId) ?? "unknown";
      throw new EngineError(code, text, { cause: new Error("secret") });
    },
  });
  for (const code of errorCodes) {
    const error = ConnectError.from(
      await client.containerStatus({ containerId: code }).catch((thrown: unknown) => thrown),
    );
    assert.equal(error.rawMessage, text.toWellFormed());
    assert.doesNotMatch(JSON.stringify([...error.metadata]), /secret/);
    const line = lines.at(-1);
    assert.equal(line?.fields["code"], code);
    assert.equal(line?.level, code === "internal" || code === "unknown" ? "error" : "info");
    assert.ok(line.fields["err"] instanceof Error);
  }
  assert.equal(lines.length, errorCodes.length);
});

test("a bug is internal, and so is an answer that cannot be encoded", limited, async (t) => {
  const bug = new TypeError("x is not a function");
  const { client, lines } = await serveForTest(t, {
    version: async () => await Promise.reject(bug),
    containerStatus: async () => ({ status: { exitCode: 2 ** 40 } }),
  });
  await assert.rejects(client.version({}), { code: Code.Internal, rawMessage: "x is not a function" });
  await assert.rejects(client.containerStatus({}), { code: Code.Internal });
  assert.deepEqual(
    lines.map(({ level, fields }) => [level, fields["method"], fields["code"]]),
    [
      ["error", "Version", "internal"],
      ["error", "ContainerStatus", "internal"],
    ],
  );
  assert.equal(lines[0]?.fields["err"], bug);
});

test("an unknown method is not implemented, and other content is refused", limited, async (t) => {
  const { socket } = await serveForTest(t, { version: async () => ({}) });
  const session = http2To(t, socket);
  assert.equal((await bareCall(session, { ":path": "/runtime.v1.RuntimeService/Vershun" }))["grpc-status"], "12");
  assert.equal((await bareCall(session, { "content-type": "application/json" }))[":status"], 415);
  assert.equal((await bareCall(session, {}))["grpc-status"], "0");
});

test("a message that is too big is refused, and the connection goes on", limited, async (t) => {
  const { client, socket, lines } = await serveForTest(t, {
    version: async ({ version }) => ({ version: String(version.length) }),
  });
  const size = 16 * 1024 * 1024;
  assert.equal((await client.version({ version: "x".repeat(size - 100) })).version, String(size - 100));
  await assert.rejects(client.version({ version: "x".repeat(size) }), { code: Code.ResourceExhausted });
  assert.equal((await client.version({ version: "abc" })).version, "3");
  // Claimed only.
  const session = http2To(t, socket);
  const answer = await bareCall(session, {}, Uint8Array.of(0, 255, 255, 255, 255, 1));
  assert.equal(answer["grpc-status"], "8");
  assert.equal((await bareCall(session, {}))["grpc-status"], "0");
  assert.equal(lines.length, 3);
});

test("an answer may be larger than a request", limited, async (t) => {
  const size = 40 * 1024 * 1024;
  const { client } = await serveForTest(t, { version: async () => ({ version: "x".repeat(size) }) });
  assert.equal((await client.version({})).version.length, size);
});

test("garbage on the socket harms nobody else", limited, async (t) => {
  const release = Promise.withResolvers<void>();
  const { client, socket } = await serveForTest(t, {
    status: async () => {
      await release.promise;
      return {};
    },
    version: async () => ({ version: "1" }),
  });
  const waiting = client.status({});
  const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  for (const bytes of ["GET / HTTP/1.1\r\n\r\n", "\0".repeat(300), preface + "\xff".repeat(300), preface.slice(0, 9)]) {
    const peer = connect(socket);
    peer.on("error", () => {});
    peer.end(Buffer.from(bytes, "latin1"));
    await once(peer.resume(), "close");
  }
  const session = http2To(t, socket);
  assert.equal((await bareCall(session, {}, Uint8Array.of(0, 0, 0, 0, 3, 255, 255, 255)))["grpc-status"], "13");
  assert.notEqual((await bareCall(session, {}, new Uint8Array()))["grpc-status"], "0");
  assert.equal((await bareCall(session, { "grpc-timeout": "soon" }))["grpc-status"], "13");
  assert.equal((await clientOf(socket).version({})).version, "1");
  release.resolve();
  await waiting;
});

test("a thousand calls at once", limited, async (t) => {
  let running = 0;
  let most = 0;
  const all = Promise.withResolvers<void>();
  const { client } = await serveForTest(t, {
    version: async ({ version }) => {
      most = Math.max(most, ++running);
      if (most === 1000) all.resolve();
      await all.promise;
      running--;
      return { version };
    },
  });
  const answers = await Promise.all(
    Array.from({ length: 1000 }, async (_, index) => await client.version({ version: `${index}` })),
  );
  assert.deepEqual(
    answers.map(({ version }) => version),
    Array.from({ length: 1000 }, (_, index) => `${index}`),
  );
  assert.equal(most, 1000);
});

test("not found is told apart from a failure", limited, async (t) => {
  const { client } = await serveForTest(t, {
    podSandboxStatus: async ({ podSandboxId }) => await Promise.reject(notFound("sandbox", podSandboxId)),
  });
  await assert.rejects(client.podSandboxStatus({ podSandboxId: "p" }), {
    code: Code.NotFound,
    rawMessage: "no such sandbox: p",
  });
});
