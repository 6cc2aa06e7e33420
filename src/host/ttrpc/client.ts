// SPDX-License-Identifier: Apache-2.0
// A ttrpc client on one connection, shared by any number of concurrent calls. The protocol cannot cancel: a
// call whose signal aborts is forgotten here and its late answer dropped. When the connection ends, whoever ended it,
// every pending call fails with unavailable and so does every later one; the owner connects again.

import { createConnection } from "node:net";
import type { Duplex } from "node:stream";
import {
  create,
  type DescMessage,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { EngineError, toEngineError, unavailable } from "../../base/errors.ts";
import { RequestSchema, ResponseSchema } from "../../gen/ttrpc/ttrpc_pb.js";
import { encodeFrame, type Frame, FrameDecoder, frameFlag, frameType, maximumBody } from "./frame.ts";
import { errorFromStatus } from "./status.ts";

export interface CallOptions {
  readonly signal: AbortSignal;
  /** Fails the call with deadline-exceeded after so many milliseconds; the server is told too. */
  readonly timeoutMs?: number;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** A connection; whoever connected disposes it. */
export interface TtrpcClient extends AsyncDisposable {
  /** Resolves when the connection has ended, whoever ended it. */
  readonly closed: Promise<void>;
  /** True once the connection has ended. */
  readonly ended: boolean;
  call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options: CallOptions,
  ): Promise<MessageShape<O>>;
  /** The messages that the server pushes; leaving the loop forgets the stream. */
  stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
    options: CallOptions,
  ): AsyncIterable<MessageShape<O>>;
}

/** What the connection tells an open stream. */
interface StreamSink {
  onFrame(frame: Frame): void;
  onFailure(error: Error): void;
}

type AnyMethod = DescMethodUnary | DescMethodServerStreaming;

/** Connects to a server's socket; unavailable when nobody listens there. */
export async function connectTtrpc(path: string, { signal }: { readonly signal: AbortSignal }): Promise<TtrpcClient> {
  signal.throwIfAborted();
  const socket = createConnection({ path });
  try {
    await new Promise<void>((resolve, reject) => {
      const onAbort = () => reject(signal.reason as Error);
      signal.addEventListener("abort", onAbort, { once: true });
      socket.once("connect", () => {
        signal.removeEventListener("abort", onAbort);
        resolve();
      });
      socket.once("error", (error) => {
        signal.removeEventListener("abort", onAbort);
        reject(unavailable(`cannot connect to ${path}`, error));
      });
    });
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return new Connection(socket, path);
}

/** A client on a connection that is there already; it takes the stream over. The name is for messages. */
export function ttrpcClientOn(stream: Duplex, name: string): TtrpcClient {
  return new Connection(stream, name);
}

class Connection implements TtrpcClient {
  readonly closed: Promise<void>;
  readonly #socket: Duplex;
  readonly #streams = new Map<number, StreamSink>();
  readonly #decoder = new FrameDecoder();
  #nextStreamId = 1;
  #failure: Error | undefined;

  constructor(socket: Duplex, name: string) {
    this.#socket = socket;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    let cause: Error | undefined;
    socket.on("data", (bytes: Uint8Array) => this.#onBytes(bytes));
    socket.on("error", (error) => {
      cause = error;
    });
    socket.on("close", () => {
      this.#fail(unavailable(`the connection to ${name} has ended`, cause));
      resolve();
    });
  }

  get ended(): boolean {
    return this.#failure !== undefined;
  }

  async call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options: CallOptions,
  ): Promise<MessageShape<O>> {
    options.signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<MessageShape<O>>();
    const sink: StreamSink = {
      onFrame: (frame) => {
        if (frame.type === frameType.response) resolve(this.#readResponse(method, frame));
        else throw new EngineError("internal", `${nameOf(method)} got data where a response belongs`);
      },
      onFailure: reject,
    };
    using _stream = this.#open(method, request, options, sink);
    return await promise;
  }

  async *stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
    options: CallOptions,
  ): AsyncGenerator<MessageShape<O>> {
    options.signal.throwIfAborted();
    const frames: Frame[] = [];
    let failure: Error | undefined;
    let wake: (() => void) | undefined;
    const sink: StreamSink = {
      onFrame: (frame) => {
        frames.push(frame);
        wake?.();
      },
      onFailure: (error) => {
        failure = error;
        wake?.();
      },
    };
    using _stream = this.#open(method, request, options, sink);
    for (;;) {
      const frame = frames.shift();
      if (frame === undefined) {
        if (failure !== undefined) throw failure;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        wake = undefined;
        continue;
      }
      if (frame.type === frameType.response) {
        const message = this.#readResponse(method, frame, { mayBeEmpty: true });
        if (message !== undefined) yield message;
        return;
      }
      if ((frame.flags & frameFlag.noData) === 0) yield decode(method, bodyOf(method, frame));
      if ((frame.flags & frameFlag.remoteClosed) !== 0) return;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
    await this.closed;
  }

  /** Sends the request and registers the stream until the result is disposed. */
  #open(method: AnyMethod, message: MessageInitShape<DescMessage>, options: CallOptions, sink: StreamSink): Disposable {
    if (this.#failure !== undefined) throw this.#failure;
    const body = toBinary(
      RequestSchema,
      create(RequestSchema, {
        service: method.parent.typeName,
        method: method.name,
        payload: toBinary(method.input, create(method.input, message)),
        timeoutNano: BigInt(Math.ceil((options.timeoutMs ?? 0) * 1e6)),
        metadata: Object.entries(options.metadata ?? {}).map(([key, value]) => ({ key, value })),
      }),
    );
    if (body.length > maximumBody) {
      throw new EngineError(
        "resource-exhausted",
        `the request of ${nameOf(method)} has ${body.length} bytes, more than ${maximumBody}`,
      );
    }
    const streamId = this.#nextStreamId;
    this.#nextStreamId += 2;
    this.#streams.set(streamId, sink);
    const flags = method.methodKind === "unary" ? 0 : frameFlag.remoteClosed;
    this.#socket.write(encodeFrame({ streamId, type: frameType.request, flags, body }));
    const disarm = armEnds(method, options, sink);
    return {
      [Symbol.dispose]: () => {
        disarm();
        this.#streams.delete(streamId);
      },
    };
  }

  #onBytes(bytes: Uint8Array): void {
    for (const frame of this.#decoder.push(bytes)) {
      const sink = this.#streams.get(frame.streamId);
      if (sink === undefined) continue; // an answer that nobody waits for any more
      try {
        sink.onFrame(frame);
      } catch (error) {
        sink.onFailure(toEngineError(error));
      }
    }
  }

  #readResponse<O extends DescMessage>(method: DescMethodUnary<DescMessage, O>, frame: Frame): MessageShape<O>;
  #readResponse<O extends DescMessage>(
    method: DescMethodServerStreaming<DescMessage, O>,
    frame: Frame,
    options: { readonly mayBeEmpty: true },
  ): MessageShape<O> | undefined;
  #readResponse(
    method: AnyMethod,
    frame: Frame,
    options?: { readonly mayBeEmpty: true },
  ): MessageShape<DescMessage> | undefined {
    const response = fromBinary(ResponseSchema, bodyOf(method, frame));
    if (response.status !== undefined && response.status.code !== 0) throw errorFromStatus(response.status);
    if (options?.mayBeEmpty === true && response.payload.length === 0) return undefined;
    return decode(method, response.payload);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const sink of this.#streams.values()) sink.onFailure(error);
    this.#streams.clear();
  }
}

/** Fails the stream when the signal aborts or the time is up; the result undoes this. */
function armEnds(method: AnyMethod, { signal, timeoutMs }: CallOptions, sink: StreamSink): () => void {
  const onAbort = () => sink.onFailure(signal.reason as Error);
  signal.addEventListener("abort", onAbort, { once: true });
  const timer =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          sink.onFailure(new EngineError("deadline-exceeded", `${nameOf(method)} took longer than ${timeoutMs} ms`));
        }, timeoutMs);
  return () => {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  };
}

function bodyOf(method: AnyMethod, frame: Frame): Uint8Array {
  if (frame.body !== undefined) return frame.body;
  throw new EngineError("resource-exhausted", `the answer of ${nameOf(method)} is longer than ${maximumBody} bytes`);
}

function decode<O extends DescMessage>(
  method: DescMethodUnary<DescMessage, O> | DescMethodServerStreaming<DescMessage, O>,
  payload: Uint8Array,
): MessageShape<O> {
  try {
    return fromBinary(method.output, payload);
  } catch (cause) {
    throw new EngineError("internal", `the answer of ${nameOf(method)} cannot be decoded`, { cause });
  }
}

function nameOf(method: AnyMethod): string {
  return `${method.parent.typeName}/${method.name}`;
}
