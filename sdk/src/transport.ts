// SPDX-License-Identifier: Apache-2.0
// The connection to the daemon: Connect over HTTP/2 on a unix socket. One connection carries all calls of a client.

import { connect } from "node:net";
import type { Interceptor, Transport } from "@connectrpc/connect";
import { createConnectTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { BerthError, toBerthError } from "./errors.ts";

export const defaultHost = "unix:///run/berth/berth.sock";

export interface Connection {
  readonly transport: Transport;
  close(): void;
}

/** host: unix:///path/of/socket or the bare path. Nothing is sent before the first call. */
export function openConnection(host: string): Connection {
  const path = socketPath(host);
  const sessions = new Http2SessionManager("http://berth", {}, { createConnection: () => connect(path) });
  return {
    transport: createConnectTransport({
      baseUrl: "http://berth",
      httpVersion: "2",
      sessionManager: sessions,
      interceptors: [translateErrors(host)],
      readMaxBytes: 64 * 1024 * 1024,
      writeMaxBytes: 64 * 1024 * 1024,
    }),
    close: () => sessions.abort(),
  };
}

function socketPath(host: string): string {
  if (host.startsWith("unix://")) return host.slice("unix://".length);
  if (host.startsWith("/")) return host;
  throw new BerthError(
    "invalid-argument",
    `unsupported daemon address ${JSON.stringify(host)}: expected unix:///path/of/socket`,
  );
}

function translateErrors(host: string): Interceptor {
  return (next) => async (request) => {
    try {
      const response = await next(request);
      if (!response.stream) return response;
      return { ...response, message: translated(response.message, host) };
    } catch (error) {
      throw toBerthError(error, host);
    }
  };
}

async function* translated<T>(messages: AsyncIterable<T>, host: string): AsyncIterable<T> {
  try {
    yield* messages;
  } catch (error) {
    throw toBerthError(error, host);
  }
}
