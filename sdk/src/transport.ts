// SPDX-License-Identifier: Apache-2.0
// The connection to the daemon: Connect over HTTP/2 on a unix socket. One connection carries all calls of a client.

import { connect } from "node:net";
import type { Transport } from "@connectrpc/connect";
import { createConnectTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { BerthError, toBerthError } from "./errors.ts";

export const defaultHost = "unix:///run/berth/berth.sock";

/** As the daemon has it: room for a chunk of an archive and for long lists. */
const maximumMessageBytes = 64 * 1024 * 1024;

export interface Connection {
  readonly transport: Transport;
  close(): void;
}

/** host: unix:///path/of/socket or the bare path. Nothing is sent before the first call. */
export function openConnection(host: string): Connection {
  const path = socketPath(host);
  const sessions = new Http2SessionManager("http://berth", {}, { createConnection: () => connect(path) });
  const transport = createConnectTransport({
    baseUrl: "http://berth",
    httpVersion: "2",
    sessionManager: sessions,
    readMaxBytes: maximumMessageBytes,
    writeMaxBytes: maximumMessageBytes,
  });
  return {
    transport: translated(transport, host),
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

/** Throws BerthError where the transport throws ConnectError. */
function translated(transport: Transport, host: string): Transport {
  return {
    async unary(...call) {
      try {
        return await transport.unary(...call);
      } catch (error) {
        throw toBerthError(error, host);
      }
    },
    async stream(...call) {
      try {
        const response = await transport.stream(...call);
        return { ...response, message: translatedMessages(response.message, host) };
      } catch (error) {
        throw toBerthError(error, host);
      }
    },
  };
}

async function* translatedMessages<T>(messages: AsyncIterable<T>, host: string): AsyncGenerator<T> {
  try {
    yield* messages;
  } catch (error) {
    throw toBerthError(error, host);
  }
}
