// SPDX-License-Identifier: Apache-2.0
// What a gRPC service of ours is made of: its descriptor from src/gen, and one handler for each of its methods. A method
// without a handler does not compile. A handler parses, calls core and answers; it throws EngineError and knows nothing
// of gRPC. A stream is an async iterable: it is read as fast as the client takes it, and its return() is called when the
// client is gone, the deadline has passed or the server closes.

import type {
  DescMessage,
  DescMethod,
  DescMethodServerStreaming,
  DescMethodUnary,
  DescService,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";

/** What a handler knows of its call. */
export interface CallContext {
  /** Aborts when the client gives up, the deadline passes or the server closes; the reason is an EngineError. */
  readonly signal: AbortSignal;
  /** Until when the client waits. */
  readonly deadline?: Date;
}

/** One request, one answer; a plain object of the answer's fields will do. */
export type UnaryHandler<I extends DescMessage, O extends DescMessage> = (
  request: MessageShape<I>,
  context: CallContext,
) => Promise<MessageInitShape<O>>;

/** One request, any number of answers. */
export type StreamHandler<I extends DescMessage, O extends DescMessage> = (
  request: MessageShape<I>,
  context: CallContext,
) => AsyncIterable<MessageInitShape<O>>;

/** The handler that a method asks for; no method of ours takes a stream of requests. */
export type MethodHandler<M extends DescMethod> =
  M extends DescMethodUnary<infer I, infer O>
    ? UnaryHandler<I, O>
    : M extends DescMethodServerStreaming<infer I, infer O>
      ? StreamHandler<I, O>
      : never;

/** A handler for each method of a service, by the method's name in lower camel case. */
export type ServiceHandlers<S extends DescService> = {
  readonly [Name in keyof S["method"]]: MethodHandler<S["method"][Name]>;
};

/** A service as the server takes it, made by grpcService. */
export interface GrpcService {
  readonly descriptor: DescService;
  readonly handlers: Readonly<Record<string, ErasedHandler>>;
}

/** A handler whose types the descriptor vouches for. */
export type ErasedHandler = UnaryHandler<DescMessage, DescMessage> | StreamHandler<DescMessage, DescMessage>;

/** Joins a service's descriptor with its handlers. */
export function grpcService<S extends DescService>(descriptor: S, handlers: ServiceHandlers<S>): GrpcService {
  return { descriptor, handlers: handlers as unknown as GrpcService["handlers"] };
}
