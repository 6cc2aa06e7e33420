// SPDX-License-Identifier: Apache-2.0
// How calls end early: by the client, by their deadline, by the end of the server.

import assert from "node:assert/strict";
import { stat } from "node:fs/promises";
import { test } from "node:test";
import { Code } from "@connectrpc/connect";
import { cancelled, conflict, EngineError } from "../../../base/errors.ts";
import { raceSignal } from "../../../base/lifetime.ts";
import type { CallContext } from "./service.ts";
import { bareCall, clientOf, http2To, lineOf, serveForTest } from "./testing/serve-for-test.ts";

const limited = { timeout: 30_000 };

/** A handler that goes on until its signal aborts and then fails with what it is told to. */
function waiting(failure: (reason: unknown) => unknown = (reason) => reason) {
  const begun = Promise.withResolvers<CallContext>();
  const ended = Promise.withResolvers<EngineError>();
  const handler = async (_: unknown, context: CallContext) => {
    begun.resolve(context);
    return await new Promise<never>((_resolve, reject) => {
      context.signal.addEventListener("abort", () => {
        ended.resolve(context.signal.reason as EngineError);
        reject(failure(context.signal.reason) as Error);
      });
    });
  };
  return { handler, begun: begun.promise, ended: ended.promise };
}

test("a client that cancels aborts the handler's signal", limited, async (t) => {
  const { handler, begun, ended } = waiting();
  const { client, lines } = await serveForTest(t, { status: handler });
  const leave = new AbortController();
  const call = client.status({}, { signal: leave.signal });
  const { deadline } = await begun;
  assert.equal(deadline, undefined);
  leave.abort();
  await assert.rejects(call, { code: Code.Canceled });
  const reason = await ended;
  assert.ok(reason instanceof EngineError);
  assert.equal(reason.code, "cancelled");
  const { level, fields } = await lineOf("Status", lines);
  assert.deepEqual([level, fields["code"]], ["info", "cancelled"]);
});

test("the deadline is known to the handler, aborts it and is the answer whatever it throws", limited, async (t) => {
  for (const failure of [(reason: unknown) => reason, () => cancelled(), () => conflict("something else")]) {
    const { handler, begun, ended } = waiting(failure);
    const { socket, lines } = await serveForTest(t, { version: handler });
    const before = Date.now();
    const answer = bareCall(http2To(t, socket), { "grpc-timeout": "150m" });
    const { deadline } = await begun;
    assert.ok(deadline !== undefined && deadline.getTime() >= before + 150 && deadline.getTime() < before + 20_000);
    assert.equal((await answer)["grpc-status"], "4");
    assert.equal((await ended).code, "deadline-exceeded");
    const { level, fields } = await lineOf("Version", lines);
    assert.deepEqual([level, fields["code"]], ["info", "deadline-exceeded"]);
  }
});

test("an answer that nobody waited for is told in the log", limited, async (t) => {
  const { promise: begun, resolve: begin } = Promise.withResolvers<CallContext>();
  const { promise: release, resolve } = Promise.withResolvers<void>();
  const { client, lines, server } = await serveForTest(t, {
    runPodSandbox: async (_, context) => {
      begin(context);
      await release;
      return { podSandboxId: "made" };
    },
  });
  const leave = new AbortController();
  const call = client.runPodSandbox({}, { signal: leave.signal });
  const { signal } = await begun;
  leave.abort();
  await assert.rejects(call, { code: Code.Canceled });
  while (!signal.aborted) await client.version({}).catch(() => {});
  resolve();
  await server[Symbol.asyncDispose]();
  const line = lines.find(({ fields }) => fields["method"] === "RunPodSandbox");
  assert.deepEqual([line?.level, line?.fields["code"]], ["info", "ok"]);
});

test("closing lets calls finish, ends streams at once and takes no more", limited, async (t) => {
  const { promise: release, resolve } = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const { client, server, socket } = await serveForTest(
    t,
    {
      version: async (_, { signal }) => {
        begun.resolve();
        await raceSignal(release, signal);
        return { version: "finished" };
      },
      async *getContainerEvents(_, { signal }) {
        yield { containerId: "first" };
        await new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason as Error));
        });
      },
    },
    { drainMs: 60_000 },
  );
  const events = client.getContainerEvents({})[Symbol.asyncIterator]();
  await events.next();
  const call = client.version({});
  await begun.promise;
  const closed = server[Symbol.asyncDispose]();
  await assert.rejects(events.next(), { code: Code.Unavailable });
  await assert.rejects(clientOf(socket).version({}));
  resolve();
  assert.equal((await call).version, "finished");
  await closed;
  await assert.rejects(stat(socket), { code: "ENOENT" });
});

test("closing ends calls that go on too long, and does not wait for those that do not listen", limited, async (t) => {
  const { handler, begun, ended } = waiting();
  const { promise: deafHasBegun, resolve: beginDeaf } = Promise.withResolvers<void>();
  const { client, server, lines } = await serveForTest(t, {
    status: handler,
    version: async () => {
      beginDeaf();
      return await new Promise<never>(() => {});
    },
  });
  const listening = assert.rejects(client.status({}), { code: Code.Unavailable });
  const deaf = assert.rejects(client.version({}));
  await Promise.all([begun, deafHasBegun]);
  await server[Symbol.asyncDispose]();
  await listening;
  await deaf;
  assert.equal((await ended).code, "unavailable");
  assert.ok(lines.some(({ level, fields }) => level === "info" && fields["code"] === "unavailable"));
  assert.ok(lines.some(({ level, message }) => level === "warn" && /still run/.test(message)));
});

test("the shutdown signal ends everything with its reason, also what comes later", limited, async (t) => {
  const { handler, begun, ended } = waiting(() => cancelled());
  const { client, shutdown } = await serveForTest(t, { status: handler, version: async () => ({}) });
  const call = assert.rejects(client.status({}), { code: Code.Unavailable, rawMessage: "the node goes down" });
  await begun;
  shutdown.abort(new EngineError("unavailable", "the node goes down"));
  await call;
  assert.equal((await ended).code, "unavailable");
  await assert.rejects(client.version({}), { code: Code.Unavailable, rawMessage: "the node goes down" });
});

test("a server that nobody called closes at once, and twice", limited, async (t) => {
  const { server } = await serveForTest(t, {}, { drainMs: 20_000 });
  await server[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});
