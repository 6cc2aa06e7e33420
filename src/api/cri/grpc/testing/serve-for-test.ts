// SPDX-License-Identifier: Apache-2.0
// A server of the runtime service for one test, with a typed client that is not grpc-js, and a bare HTTP/2 one.

import { mkdtemp, rm } from "node:fs/promises";
import { type ClientHttp2Session, connect as connectHttp2, type IncomingHttpHeaders } from "node:http2";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TestContext } from "node:test";
import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { notImplemented } from "../../../../base/errors.ts";
import type { LogFields, Logger } from "../../../../base/log.ts";
import { RuntimeService } from "../../../../gen/runtime/v1/api_pb.js";
import { type GrpcServer, type GrpcServerOptions, serveGrpc } from "../serve.ts";
import { grpcService, type ServiceHandlers } from "../service.ts";

export type RuntimeHandlers = ServiceHandlers<typeof RuntimeService>;

/** One line of the log. */
export interface LogLine {
  readonly level: string;
  readonly fields: LogFields;
  readonly message: string;
}

export interface ServedForTest {
  readonly socket: string;
  readonly server: GrpcServer;
  readonly client: Client<typeof RuntimeService>;
  readonly lines: readonly LogLine[];
  readonly shutdown: AbortController;
}

/** Serves these handlers; the other methods are not implemented. Closed with the test. */
export async function serveForTest(
  t: TestContext,
  handlers: Partial<RuntimeHandlers>,
  options: Partial<GrpcServerOptions> = {},
): Promise<ServedForTest> {
  const directory = await mkdtemp(path.join(tmpdir(), "berth-grpc-test-"));
  t.after(async () => await rm(directory, { recursive: true, force: true }));
  const { socket = path.join(directory, "run", "cri.sock") } = options;
  const { lines, logger } = recordingLogger();
  const shutdown = new AbortController();
  const server = await serveGrpc({
    socket,
    services: [grpcService(RuntimeService, { ...(notServed() as RuntimeHandlers), ...handlers })],
    logger,
    shutdownSignal: shutdown.signal,
    drainMs: 100,
    ...options,
  });
  t.after(async () => await server[Symbol.asyncDispose]());
  return { socket, server, client: clientOf(socket), lines, shutdown };
}

/** A client with a connection of its own. */
export function clientOf(socket: string): Client<typeof RuntimeService> {
  const transport = createGrpcTransport({
    baseUrl: "http://cri",
    // Node's clients give up streams when what they hold exceeds 10 MB.
    nodeOptions: { createConnection: () => connect(socket), maxSessionMemory: 1000 },
    idleConnectionTimeoutMs: 1000,
  });
  return createClient(RuntimeService, transport);
}

/** A connection without any gRPC in it. Closed with the test. */
export function http2To(t: TestContext, socket: string): ClientHttp2Session {
  const session = connectHttp2("http://cri", { createConnection: () => connect(socket) });
  session.on("error", () => {}); // a server that goes away is the test's business
  t.after(() => session.destroy());
  return session;
}

/** Sends one request body and gives the headers and trailers of the answer as one. */
export async function bareCall(
  session: ClientHttp2Session,
  headers: Record<string, string>,
  body: Uint8Array = emptyMessage,
): Promise<IncomingHttpHeaders> {
  const stream = session.request({
    ":method": "POST",
    ":path": "/runtime.v1.RuntimeService/Version",
    "content-type": "application/grpc",
    te: "trailers",
    ...headers,
  });
  return await new Promise((resolve, reject) => {
    let received: IncomingHttpHeaders = {};
    stream.on("response", (answer) => {
      received = answer;
    });
    stream.on("trailers", (trailers) => {
      received = { ...received, ...trailers };
    });
    stream.on("error", reject);
    stream.on("close", () => resolve(received));
    stream.resume();
    stream.end(body);
  });
}

/** The first line of the method, once it is there: a client may hear of the end of its call before the log does. */
export async function lineOf(method: string, lines: readonly LogLine[]): Promise<LogLine> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const line = lines.find(({ fields }) => fields["method"] === method);
    if (line !== undefined) return line;
    if (Date.now() > deadline) throw new Error(`nothing was logged of ${method}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A message of no bytes, as gRPC frames it. */
export const emptyMessage: Uint8Array = new Uint8Array(5);

function notServed(): Record<string, unknown> {
  const refuse = async () => await Promise.reject(notImplemented("not part of this test"));
  return Object.fromEntries(RuntimeService.methods.map(({ localName }) => [localName, refuse]));
}

function recordingLogger(): { readonly lines: LogLine[]; readonly logger: Logger } {
  const lines: LogLine[] = [];
  const at = (level: string) => (fields: LogFields, message: string) => void lines.push({ level, fields, message });
  const logger: Logger = {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: () => logger,
  };
  return { lines, logger };
}
