// SPDX-License-Identifier: Apache-2.0
// A small HTTP server on a free loopback port that answers as a test tells it to and remembers what it was asked.

import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer, type ServerOptions } from "node:https";
import type { AddressInfo } from "node:net";

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

export interface FakeServer extends AsyncDisposable {
  /** 127.0.0.1:<port> */
  readonly host: string;
  readonly port: number;
  readonly seen: readonly SeenRequest[];
}

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export async function startFakeServer(answer: Answer, tls?: ServerOptions): Promise<FakeServer> {
  const seen: SeenRequest[] = [];
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    seen.push({ method: request.method ?? "", url: request.url ?? "", headers: request.headers });
    answer(request, response);
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    host: `127.0.0.1:${port}`,
    port,
    seen,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
