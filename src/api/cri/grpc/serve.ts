// SPDX-License-Identifier: Apache-2.0
// Serves gRPC on a unix socket. HTTP/2, framing, deadlines and size limits are grpc-js's; the socket is ours, so that it
// has our mode and may come from the service manager.

import { rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { isEngineError, unavailable } from "../../../base/errors.ts";
import { deadlineSignal, raceSignal } from "../../../base/lifetime.ts";
import type { Logger } from "../../../base/log.ts";
import { listenOnUnixSocket, type UnixSocketOptions } from "../../../host/unix-listener.ts";
import { register } from "./dispatch.ts";
import { RunningCalls } from "./running-calls.ts";
import type { GrpcService } from "./service.ts";

/** Owned by the daemon. Disposing drains: streams end at once, other calls may finish within the drain time. */
export interface GrpcServer extends AsyncDisposable {
  readonly address: string;
}

export interface GrpcServerOptions extends UnixSocketOptions {
  readonly services: readonly GrpcService[];
  readonly logger: Logger;
  /** Aborts what is still running, without draining. */
  readonly shutdownSignal: AbortSignal;
  /** How long calls may go on once the server closes; two seconds unless told. */
  readonly drainMs?: number;
}

/** Largest request. */
const maximumReceivedBytes = 16 * 1024 * 1024;

/** Largest answer: lists of everything on a large node. */
const maximumSentBytes = 80 * 1024 * 1024;

/** How long aborted calls and their answers may take to leave. */
const closeGraceMs = 500;

/** Resolves when the socket is there. */
export async function serveGrpc(options: GrpcServerOptions): Promise<GrpcServer> {
  const { services, logger, shutdownSignal, drainMs = 2_000 } = options;
  const calls = new RunningCalls(logger);
  const server = new Server({
    "grpc.max_receive_message_length": maximumReceivedBytes,
    "grpc.max_send_message_length": maximumSentBytes,
    "grpc.enable_channelz": 0,
  });
  for (const service of services) register(server, service, { calls, logger });
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const sockets = new Set<Socket>();
  const listener = createServer((socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    injector.injectConnection(socket);
  });
  await listenOnUnixSocket(listener, options);
  listener.on("error", (error) => logger.error({ err: error }, `accept on ${options.socket}: ${error.message}`));
  const onShutdown = () => calls.abortAll(closing(shutdownSignal.reason));
  if (shutdownSignal.aborted) onShutdown();
  else shutdownSignal.addEventListener("abort", onShutdown, { once: true });
  return {
    address: options.socket,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => {
        listener.close(() => resolve());
      });
      injector.destroy(); // tells each client to begin no more calls, and closes its connection after the last
      calls.abortStreams(closing());
      await within(drainMs, calls.settled());
      calls.abortAll(closing());
      if (!(await within(closeGraceMs, calls.settled())))
        logger.warn({}, "calls still run after the server has closed");
      await within(closeGraceMs, closed);
      for (const socket of sockets) socket.destroy();
      await closed;
      shutdownSignal.removeEventListener("abort", onShutdown);
      if (options.inheritedDescriptor === undefined) await rm(options.socket, { force: true });
    },
  };
}

function closing(reason?: unknown) {
  return isEngineError(reason) ? reason : unavailable("the engine is stopping", reason);
}

/** Whether the promise was settled within the time. */
async function within(milliseconds: number, promise: Promise<void>): Promise<boolean> {
  try {
    await raceSignal(promise, deadlineSignal(milliseconds, "closing"));
    return true;
  } catch {
    return false;
  }
}
