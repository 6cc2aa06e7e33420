// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Http2Server, type ServerHttp2Session } from "node:http2";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { ContainerService } from "../../src/gen/berth/engine/v1/container_pb.js";
import { ImageService } from "../../src/gen/berth/engine/v1/image_pb.js";
import { BerthClient } from "./client.ts";
import { BerthError } from "./errors.ts";

type Routes = Parameters<typeof connectNodeAdapter>[0]["routes"];

interface TestServer {
  readonly host: string;
  readonly client: BerthClient;
  stop(): Promise<void>;
}

/** connect-node's own server: what the client must get along with. */
async function serve(t: TestContext, routes: Routes): Promise<TestServer> {
  const directory = await mkdtemp(path.join(tmpdir(), "berth-sdk-"));
  const socket = path.join(directory, "api.sock");
  const server: Http2Server = createServer(connectNodeAdapter({ routes }));
  const sessions = new Set<ServerHttp2Session>();
  server.on("session", (session) => sessions.add(session));
  server.listen(socket);
  await once(server, "listening");
  const client = new BerthClient({ host: `unix://${socket}` });
  const stop = async () => {
    for (const session of sessions) session.destroy();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  };
  t.after(async () => {
    client.close();
    await stop();
    await rm(directory, { recursive: true });
  });
  return { host: `unix://${socket}`, client, stop };
}

function hasCode(code: string, message?: RegExp) {
  return (error: unknown) => {
    assert(error instanceof BerthError);
    assert.equal(error.code, code);
    if (message !== undefined) assert.match(error.message, message);
    return true;
  };
}

test("a call goes there and back", async (t) => {
  const { client } = await serve(t, (router) =>
    router.rpc(ContainerService.method.create, ({ name, config }) => ({ id: `${name}-${config?.image}` })),
  );
  assert.equal((await client.containers.create({ image: "x" }, { name: "n" })).id, "n-x");
});

test("an error keeps the engine's code and the daemon's message", async (t) => {
  const { client } = await serve(t, (router) =>
    router.rpc(ContainerService.method.start, ({ container }) => {
      if (container === "plain") throw new ConnectError("no such thing", Code.NotFound);
      throw new ConnectError("name is taken", Code.FailedPrecondition, { "berth-code": "conflict" });
    }),
  );
  await assert.rejects(client.containers.start("x"), hasCode("conflict", /^name is taken$/));
  await assert.rejects(client.containers.start("plain"), hasCode("not-found", /^no such thing$/));
});

test("a stream of messages arrives in order, and its error after them", async (t) => {
  const { client } = await serve(t, (router) =>
    router.rpc(ContainerService.method.logs, async function* ({ container }) {
      for (let line = 0; line < 1000; line++) {
        yield { entries: [{ content: new TextEncoder().encode(`${line} ${"x".repeat(line)}`) }] };
      }
      if (container === "bad") throw new ConnectError("it broke", Code.DataLoss, { "berth-code": "data-loss" });
      await Promise.resolve();
    }),
  );
  const read = async (container: string, lines: string[] = []) => {
    for await (const { content } of client.containers.logs(container)) lines.push(new TextDecoder().decode(content));
    return lines;
  };
  const lines = await read("good");
  assert.deepEqual([lines.length, lines[0], lines[999]?.length], [1000, "0 ", 1003]);
  const partial: string[] = [];
  await assert.rejects(read("bad", partial), hasCode("data-loss", /^it broke$/));
  assert.equal(partial.length, 1000);
});

test("a reader that leaves early ends the daemon's side", async (t) => {
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const { client } = await serve(t, (router) =>
    router.rpc(ContainerService.method.logs, async function* (_request, { signal }) {
      signal.addEventListener("abort", () => resolve());
      while (!signal.aborted) {
        yield { entries: [{ content: new Uint8Array(1000) }] };
        await new Promise((next) => setImmediate(next));
      }
    }),
  );
  for await (const _entry of client.containers.logs("x")) break;
  await ended;
});

test("an abort rejects with its reason, before, during and while streaming", async (t) => {
  const { client } = await serve(t, (router) => {
    router.rpc(ContainerService.method.stop, async (_request, { signal }) => {
      await once(signal, "abort");
      return {};
    });
    router.rpc(ContainerService.method.logs, async function* (_request, { signal }) {
      yield { entries: [{ content: new Uint8Array(1) }] };
      await once(signal, "abort");
    });
  });
  const reason = new Error("not any more");
  await assert.rejects(client.containers.stop("x", { signal: AbortSignal.abort(reason) }), reason);
  const during = new AbortController();
  const stopping = client.containers.stop("x", { signal: during.signal });
  setImmediate(() => during.abort(reason));
  await assert.rejects(stopping, reason);
  const streaming = new AbortController();
  await assert.rejects(async () => {
    for await (const _entry of client.containers.logs("x", { signal: streaming.signal })) streaming.abort(reason);
  }, reason);
});

test("both directions flow at the same time, also more than the windows hold", async (t) => {
  const { client } = await serve(t, (router) =>
    router.rpc(ContainerService.method.attach, async function* (requests) {
      yield { response: { case: "attached" as const, value: { terminal: false } } };
      for await (const { request } of requests) {
        if (request.case === "stdin") yield { response: { case: "output" as const, value: { data: request.value } } };
        if (request.case === "stdinEnd") return;
      }
    }),
  );
  const attached = await client.containers.attach("x", { stdin: true });
  const chunk = new Uint8Array(300_000).fill(7);
  const writing = (async () => {
    for (let round = 0; round < 30; round++) await attached.write(chunk);
    attached.endStdin();
  })();
  let bytes = 0;
  for await (const { data } of attached.output) bytes += data.length;
  await writing;
  assert.equal(bytes, 30 * chunk.length);
});

test("what a client sends as a stream arrives whole", async (t) => {
  const { client } = await serve(t, (router) =>
    router.rpc(ImageService.method.load, async (requests) => {
      let size = 0;
      for await (const { chunk } of requests) size += chunk.length;
      return { images: [{ id: String(size), name: "" }] };
    }),
  );
  async function* archive() {
    for (let round = 0; round < 50; round++) yield await Promise.resolve(new Uint8Array(100_000));
  }
  assert.equal((await client.images.load(archive()))[0]?.id, "5000000");
});

test("a source that fails ends the call with its own error", async (t) => {
  const { client } = await serve(t, (router) =>
    router.rpc(ImageService.method.load, async (requests) => {
      for await (const _request of requests);
      return { images: [] };
    }),
  );
  const reason = new Error("the disk cannot be read");
  async function* archive() {
    yield await Promise.resolve(new Uint8Array(1000));
    throw reason;
  }
  await assert.rejects(client.images.load(archive()), reason);
});

test("no daemon is told with its address, and a daemon that comes back is found again", async (t) => {
  const server = await serve(t, (router) => router.rpc(ContainerService.method.start, () => ({})));
  const { client } = server;
  await client.containers.start("x");
  await server.stop();
  await assert.rejects(client.containers.start("x"), hasCode("unavailable"));
  await assert.rejects(
    client.containers.start("x"),
    hasCode("unavailable", /^Cannot connect to the Berth daemon at unix:.*api\.sock\. Is it running\?$/),
  );
});

test("an address that is none is refused", () => {
  assert.throws(() => new BerthClient({ host: "tcp://localhost:1" }), hasCode("invalid-argument", /unix:\/\//));
});
