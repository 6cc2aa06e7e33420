// SPDX-License-Identifier: Apache-2.0
// The connection to the daemon: the Connect protocol (connectrpc.com/docs/protocol) over one HTTP/2 session on a unix
// socket. Written here and not taken from connect-node, whose client brings node:http, compression and, through Headers,
// undici along: 40 ms at the start of every command.

import type { ClientHttp2Session, ClientHttp2Stream, OutgoingHttpHeaders } from "node:http2";
import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import type { StreamResponse, Transport, UnaryResponse } from "@connectrpc/connect";
import { Envelopes, envelope, envelopeFlags } from "./envelope.ts";
import { BerthError, errorOfEndStream, errorOfResponse } from "./errors.ts";
import { openSession, type Session } from "./session.ts";

export const defaultHost = "unix:///run/berth/berth.sock";

export interface Connection {
  readonly transport: Transport;
  close(): void;
}

/** host: unix:///path/of/socket or the bare path. Nothing is sent before the first call. */
export function openConnection(host: string): Connection {
  const session = openSession(host);
  return { transport: transportOver(session), close: () => session.close() };
}

function transportOver(session: Session): Transport {
  return {
    async unary<I extends DescMessage, O extends DescMessage>(
      ...[method, signal, , , input]: Parameters<Transport["unary"]>
    ): Promise<UnaryResponse<I, O>> {
      const call = await startCall(session, method, "application/proto", signal);
      call.stream.end(toBinary(method.input, create(method.input, input)));
      const { status, contentType, berthCode } = await call.headers;
      const body = await call.body();
      if (status !== 200 || contentType !== "application/proto") throw errorOfResponse(status, berthCode, body);
      const response = { stream: false, service: method.parent, method, message: fromBinary(method.output, body) };
      return withoutMetadata(response) as UnaryResponse<I, O>;
    },
    async stream<I extends DescMessage, O extends DescMessage>(
      ...[method, signal, , , input]: Parameters<Transport["stream"]>
    ): Promise<StreamResponse<I, O>> {
      const call = await startCall(session, method, "application/connect+proto", signal);
      const sending = sendMessages(call.stream, method.input, input);
      sending.catch((error: unknown) => call.fail(error));
      const { status, berthCode } = await call.headers;
      if (status !== 200) throw errorOfResponse(status, berthCode, await call.body());
      const response = { stream: true, service: method.parent, method, message: receiveMessages(call, method.output) };
      return withoutMetadata(response) as StreamResponse<I, O>;
    },
  };
}

/** The response with headers that are made only when somebody looks: they are what loads undici. */
function withoutMetadata(response: object): unknown {
  return Object.assign(Object.create(noMetadata) as object, response);
}

const noMetadata = {
  get header() {
    return new Headers();
  },
  get trailer() {
    return new Headers();
  },
};

interface ResponseHeaders {
  readonly status: number;
  readonly contentType: string;
  readonly berthCode: string | undefined;
}

interface Call {
  readonly stream: ClientHttp2Stream;
  /** Ends the call for this reason, which its reader gets. */
  fail(error: unknown): void;
  readonly headers: Promise<ResponseHeaders>;
  /** The rest of the response. */
  body(): Promise<Uint8Array>;
  chunks(): AsyncIterable<Uint8Array>;
}

async function startCall(
  session: Session,
  method: Parameters<Transport["unary"]>[0] | Parameters<Transport["stream"]>[0],
  contentType: string,
  signal: AbortSignal | undefined,
): Promise<Call> {
  signal?.throwIfAborted();
  const connected: ClientHttp2Session = await session.connect();
  const stream = request(connected, {
    ":method": "POST",
    ":path": `/${method.parent.typeName}/${method.name}`,
    "content-type": contentType,
    "connect-protocol-version": "1",
  });
  const onAbort = () => stream.close(cancelCode);
  signal?.addEventListener("abort", onAbort, { once: true });
  stream.once("close", () => signal?.removeEventListener("abort", onAbort));
  let reason: { readonly error: unknown } | undefined;
  const fail = (error: unknown) => {
    reason ??= { error };
    stream.close(cancelCode);
  };
  /** Why the stream ended early, in the caller's terms. */
  const failure = (error?: unknown): unknown => {
    if (signal?.aborted === true) return signal.reason;
    return reason === undefined ? connectionLost(error) : reason.error;
  };
  const headers = new Promise<ResponseHeaders>((resolve, reject) => {
    stream.once("response", (response) => {
      resolve({
        status: response[":status"] ?? 0,
        contentType: response["content-type"] ?? "",
        berthCode: firstOf(response["berth-code"]),
      });
    });
    stream.once("error", (error) => reject(session.explain(failure(error))));
    stream.once("close", () => reject(session.explain(failure())));
  });
  headers.catch(() => {
    // Thrown to whoever awaits them.
  });
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      // Not destroyed when the reader leaves: that would reset the stream without an error, and the daemon would go on.
      for await (const chunk of stream.iterator({ destroyOnReturn: false })) yield chunk as Uint8Array;
    } catch (error) {
      throw session.explain(failure(error));
    }
    if (signal?.aborted === true || reason !== undefined) throw failure();
  }
  return {
    stream,
    fail,
    headers,
    chunks,
    async body() {
      const parts: Uint8Array[] = [];
      for await (const chunk of chunks()) parts.push(chunk);
      return Buffer.concat(parts);
    },
  };
}

function request(session: ClientHttp2Session, headers: OutgoingHttpHeaders): ClientHttp2Stream {
  try {
    return session.request(headers);
  } catch (error) {
    throw connectionLost(error);
  }
}

function connectionLost(cause?: unknown): BerthError {
  return new BerthError("unavailable", "the connection to the daemon was lost", { cause });
}

/** NGHTTP2_CANCEL (RFC 9113, 7). */
const cancelCode = 8;

function firstOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

async function sendMessages<I extends DescMessage>(
  stream: ClientHttp2Stream,
  schema: I,
  messages: AsyncIterable<MessageInitShape<I>>,
): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    stream.once("close", resolve);
  });
  for await (const message of messages) {
    if (stream.destroyed || stream.closed) return;
    const isRoom = stream.write(envelope(toBinary(schema, create(schema, message))));
    if (!isRoom) await Promise.race([closed, new Promise<void>((resolve) => stream.once("drain", resolve))]);
  }
  stream.end();
}

async function* receiveMessages<O extends DescMessage>(call: Call, schema: O): AsyncGenerator<MessageShape<O>> {
  const envelopes = new Envelopes();
  try {
    for await (const chunk of call.chunks()) {
      for (const { flags, data } of envelopes.push(chunk)) {
        if ((flags & envelopeFlags.endStream) === 0) {
          yield fromBinary(schema, data);
          continue;
        }
        const error = errorOfEndStream(data);
        if (error !== undefined) throw error;
        return;
      }
    }
    throw new BerthError("unavailable", "the daemon ended the stream before its end");
  } finally {
    // Also when the reader leaves early: the daemon then stops sending.
    if (!call.stream.closed) call.stream.close(cancelCode);
  }
}
