// SPDX-License-Identifier: Apache-2.0
// The unix socket of the engine API: HTTP/2 without TLS, as the SDK speaks it.

import { rm } from "node:fs/promises";
import { createServer, type ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import type { ConnectRouter, Interceptor } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import type { Logger } from "../base/log.ts";
import { listenOnUnixSocket, type UnixSocketOptions } from "../host/unix-listener.ts";

/** Owned by the daemon. */
export interface ApiServer extends AsyncDisposable {
  readonly address: string;
}

export interface ApiServerOptions extends UnixSocketOptions {
  readonly logger: Logger;
  readonly routes: (router: ConnectRouter) => void;
  readonly interceptors: Interceptor[];
  /** Aborts what is still running when the daemon ends. */
  readonly shutdownSignal: AbortSignal;
}

/** Largest message either way: room for a chunk of an archive and for long lists. */
const maximumMessageBytes = 64 * 1024 * 1024;

/** How long answers may take to leave once the daemon stops. */
const closeGraceMs = 500;

export async function serveApi(options: ApiServerOptions): Promise<ApiServer> {
  const handler = connectNodeAdapter({
    routes: options.routes,
    interceptors: options.interceptors,
    shutdownSignal: options.shutdownSignal,
    readMaxBytes: maximumMessageBytes,
    writeMaxBytes: maximumMessageBytes,
  });
  const server = createServer({ settings: { initialWindowSize: 1024 * 1024 } }, handler);
  const sessions = new Set<ServerHttp2Session>();
  server.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
  });
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  // A connection that cannot be accepted, for want of descriptors, is one client's trouble and not the daemon's.
  server.on("error", (error) => options.logger.warn({ err: error }, "a client could not connect"));
  await listenOnUnixSocket(server, options);
  return {
    address: options.socket,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      for (const session of sessions) session.close();
      const timer = setTimeout(() => {
        // Not session.destroy(): that waits for the client to close its end of the connection.
        for (const socket of sockets) socket.destroy();
      }, closeGraceMs);
      await closed;
      clearTimeout(timer);
      if (options.inheritedDescriptor === undefined) await rm(options.socket, { force: true });
    },
  };
}
