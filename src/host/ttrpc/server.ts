// SPDX-License-Identifier: Apache-2.0
// A ttrpc server on unix sockets, or on connections that others made. Handlers are typed by the generated service: a unary method returns its answer, a
// server-streaming one yields messages that are pushed as data frames. Whatever a handler throws becomes a status.
// Disposing stops listening, aborts the handlers' signals, ends the connections and waits for the handlers.

import { chmod, rm } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import type { Duplex } from "node:stream";
import {
  create,
  type DescMessage,
  type DescMethod,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type DescService,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { EngineError, invalidArgument, messageOf, notImplemented, toEngineError } from "../../base/errors.ts";
import { deadlineSignal } from "../../base/lifetime.ts";
import type { Logger } from "../../base/log.ts";
import { type Request, RequestSchema, ResponseSchema } from "../../gen/ttrpc/ttrpc_pb.js";
import { encodeFrame, type Frame, FrameDecoder, frameFlag, frameType, maximumBody } from "./frame.ts";
import { statusFromError } from "./status.ts";

export interface HandlerContext {
  /** Aborts when the caller's time is up, its connection ends or the server closes. */
  readonly signal: AbortSignal;
  /** The last value of each key. */
  readonly metadata: ReadonlyMap<string, string>;
}

/** The handlers of a service; a method without one answers not-implemented. */
export type Handlers<S extends DescService> = {
  readonly [M in keyof S["method"]]?: S["method"][M] extends DescMethodUnary<infer I, infer O>
    ? (request: MessageShape<I>, context: HandlerContext) => Promise<MessageInitShape<O>>
    : S["method"][M] extends DescMethodServerStreaming<infer I, infer O>
      ? (request: MessageShape<I>, context: HandlerContext) => AsyncIterable<MessageInitShape<O>>
      : never;
};

type AnyHandler = (
  request: MessageShape<DescMessage>,
  context: HandlerContext,
) => Promise<MessageInitShape<DescMessage>> | AsyncIterable<MessageInitShape<DescMessage>>;

interface Route {
  readonly method: DescMethod;
  readonly handler: AnyHandler;
}

/** Whoever makes it disposes it. */
export class TtrpcServer implements AsyncDisposable {
  readonly #logger: Logger;
  readonly #routes = new Map<string, Route>();
  readonly #services = new Set<string>();
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Duplex>();
  readonly #running = new Set<Promise<void>>();

  constructor({ logger }: { readonly logger: Logger }) {
    this.#logger = logger;
  }

  /** Adds a service; before or after listen. */
  serve<S extends DescService>(service: S, handlers: Handlers<S>): void {
    this.#services.add(service.typeName);
    for (const method of service.methods) {
      const handler = (handlers as Readonly<Record<string, AnyHandler | undefined>>)[method.localName];
      if (handler !== undefined) this.#routes.set(`${service.typeName}/${method.name}`, { method, handler });
    }
  }

  /** Listens on a socket of mode 0600 at this path, replacing what a dead process left there. */
  async listen(path: string): Promise<void> {
    await rm(path, { force: true });
    const server = createServer((socket) => this.accept(socket));
    await new Promise<void>((resolve, reject) => {
      server.once("error", (error) => reject(toEngineError(error, `listen on ${path}`)));
      server.listen(path, resolve);
    });
    this.#servers.push(server);
    await chmod(path, 0o600);
  }

  /** Serves a connection, which it takes over. */
  accept(socket: Duplex): void {
    this.#sockets.add(socket);
    const ended = new AbortController();
    const decoder = new FrameDecoder();
    socket.on("data", (bytes: Uint8Array) => {
      for (const frame of decoder.push(bytes)) this.#onFrame(socket, frame, ended.signal);
    });
    socket.on("error", (error) => {
      this.#logger.debug({ error: messageOf(error) }, "a ttrpc connection broke");
    });
    socket.on("close", () => {
      this.#sockets.delete(socket);
      ended.abort(new EngineError("cancelled", "the caller's connection has ended"));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = this.#servers.map(
      (server) => new Promise<void>((resolve) => server.close(() => resolve())), // its only error: not listening
    );
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(closed);
    await Promise.all(this.#running);
  }

  #onFrame(socket: Duplex, frame: Frame, ended: AbortSignal): void {
    if (frame.type === frameType.data) return; // clients stream nothing to the methods that are served here
    const work = this.#answer(socket, frame, ended)
      .catch((error: unknown) => sendStatus(socket, frame.streamId, error))
      .finally(() => this.#running.delete(work));
    this.#running.add(work);
  }

  async #answer(socket: Duplex, frame: Frame, ended: AbortSignal): Promise<void> {
    const request = readRequest(frame);
    const { method, handler } = this.#route(request);
    const context: HandlerContext = {
      signal:
        request.timeoutNano > 0n
          ? AbortSignal.any([ended, deadlineSignal(Number(request.timeoutNano / 1_000_000n), method.name)])
          : ended,
      metadata: new Map(request.metadata.map(({ key, value }) => [key, value])),
    };
    const result = handler(fromBinary(method.input, request.payload), context);
    if (result instanceof Promise) {
      const payload = toBinary(method.output, create(method.output, await result));
      send(socket, frame.streamId, toBinary(ResponseSchema, create(ResponseSchema, { payload })));
      return;
    }
    for await (const message of result) {
      const body = toBinary(method.output, create(method.output, message));
      write(socket, { streamId: frame.streamId, type: frameType.data, flags: 0, body });
    }
    const flags = frameFlag.remoteClosed | frameFlag.noData;
    write(socket, { streamId: frame.streamId, type: frameType.data, flags, body: new Uint8Array() });
  }

  #route(request: Request): Route {
    const name = `${request.service}/${request.method}`;
    const route = this.#routes.get(name);
    if (route !== undefined) return route;
    throw notImplemented(
      this.#services.has(request.service) ? `no such method: ${name}` : `no such service: ${request.service}`,
    );
  }
}

function readRequest(frame: Frame): Request {
  if (frame.type !== frameType.request) throw invalidArgument(`frame type ${frame.type} cannot open a stream`);
  if (frame.streamId % 2 === 0) throw invalidArgument(`stream id ${frame.streamId} is even`);
  if (frame.body === undefined) {
    throw new EngineError("resource-exhausted", `the request is longer than ${maximumBody} bytes`);
  }
  return fromBinary(RequestSchema, frame.body);
}

function sendStatus(socket: Duplex, streamId: number, error: unknown): void {
  send(socket, streamId, toBinary(ResponseSchema, create(ResponseSchema, { status: statusFromError(error) })));
}

function send(socket: Duplex, streamId: number, body: Uint8Array): void {
  write(socket, { streamId, type: frameType.response, flags: 0, body });
}

function write(socket: Duplex, frame: Frame & { readonly body: Uint8Array }): void {
  if (frame.body.length > maximumBody) {
    throw new EngineError("resource-exhausted", `the answer has ${frame.body.length} bytes, more than ${maximumBody}`);
  }
  if (socket.writable) socket.write(encodeFrame(frame)); // a caller that has gone needs no answer
}
