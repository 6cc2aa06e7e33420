// SPDX-License-Identifier: Apache-2.0
// From grpc-js to our handlers. Answers are encoded here and not by the library, so that one that cannot be encoded is
// logged as the bug it is.

import {
  create,
  type DescMessage,
  type DescMethod,
  fromBinary,
  type Message,
  type MessageInitShape,
  toBinary,
} from "@bufbuild/protobuf";
import type { Server, ServerUnaryCall, ServerWritableStream, sendUnaryData, UntypedHandleCall } from "@grpc/grpc-js";
import { raceSignal } from "../../../base/lifetime.ts";
import type { Logger } from "../../../base/log.ts";
import { Call } from "./call.ts";
import type { RunningCalls } from "./running-calls.ts";
import type { GrpcService, StreamHandler, UnaryHandler } from "./service.ts";

type UnaryCall = ServerUnaryCall<Message, Buffer>;
type StreamCall = ServerWritableStream<Message, Buffer>;
type Answer = MessageInitShape<DescMessage>;

/** Gives the server each method of the service. */
export function register(
  server: Server,
  service: GrpcService,
  { calls, logger }: { readonly calls: RunningCalls; readonly logger: Logger },
): void {
  for (const method of service.descriptor.methods) {
    const { name, localName, methodKind } = method;
    // grpcService has checked that each method has the handler of its kind.
    const handler = service.handlers[localName];
    const isStream = methodKind === "server_streaming";
    const handle = isStream
      ? (grpcCall: StreamCall) => {
          const call = new Call(grpcCall, { name, isStream }, logger);
          calls.run(call, () => answerStream({ grpcCall, call, method, handler: handler as AnyStreamHandler }));
        }
      : (grpcCall: UnaryCall, respond: sendUnaryData<Buffer>) => {
          const call = new Call(grpcCall, { name, isStream }, logger);
          const { request } = grpcCall;
          calls.run(call, () => answerUnary({ request, respond, call, method, handler: handler as AnyUnaryHandler }));
        };
    server.register(
      `/${service.descriptor.typeName}/${name}`,
      handle as UntypedHandleCall,
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => fromBinary(method.input, bytes),
      isStream ? "serverStream" : "unary",
    );
  }
}

type AnyUnaryHandler = UnaryHandler<DescMessage, DescMessage>;
type AnyStreamHandler = StreamHandler<DescMessage, DescMessage>;

interface Unary {
  readonly request: Message;
  readonly respond: sendUnaryData<Buffer>;
  readonly call: Call;
  readonly method: DescMethod;
  readonly handler: AnyUnaryHandler;
}

async function answerUnary({ request, respond, call, method, handler }: Unary): Promise<void> {
  let bytes: Buffer;
  try {
    call.context.signal.throwIfAborted();
    bytes = encode(method, await handler(request, call.context));
  } catch (error) {
    respond(call.fail(error));
    return;
  }
  call.succeed();
  respond(null, bytes);
}

interface Stream {
  readonly grpcCall: StreamCall;
  readonly call: Call;
  readonly method: DescMethod;
  readonly handler: AnyStreamHandler;
}

async function answerStream({ grpcCall, call, method, handler }: Stream): Promise<void> {
  const { signal } = call.context;
  let iterator: AsyncIterator<Answer> | undefined;
  try {
    signal.throwIfAborted();
    iterator = handler(grpcCall.request, call.context)[Symbol.asyncIterator]();
    for (;;) {
      const next = await raceSignal(iterator.next(), signal);
      if (next.done === true) break;
      await raceSignal(write(grpcCall, encode(method, next.value)), signal);
    }
    iterator = undefined;
    call.succeed();
    grpcCall.end();
  } catch (error) {
    grpcCall.emit("error", call.fail(error));
  }
  // After the status: a handler that is slow to end does not hold it up.
  await iterator?.return?.();
}

/** Resolves when the bytes have left, as fast as the client takes them: at most one message of a stream waits. */
async function write(call: StreamCall, bytes: Buffer): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    call.write(bytes, (error?: Error | null) => (error ? reject(error) : resolve()));
  });
}

function encode({ output }: DescMethod, answer: Answer): Buffer {
  const bytes = toBinary(output, create(output, answer));
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
