// SPDX-License-Identifier: Apache-2.0

import { createConnection, createServer, type Server, type Socket } from "node:net";
import { conflict } from "../../../../base/errors.ts";
import { listenOnUnixSocket } from "../../../../host/unix-listener.ts";

/** The socket that plugins connect to; whoever opens it disposes it. Connections are the business of who gets them. */
export class PluginListener implements AsyncDisposable {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** conflict when another runtime serves plugins there. */
  static async open(socket: string, onConnection: (connection: Socket) => void): Promise<PluginListener> {
    if (await isServed(socket)) throw conflict(`another runtime serves NRI plugins on ${socket}`);
    const server = createServer(onConnection);
    await listenOnUnixSocket(server, { socket });
    return new PluginListener(server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Waits for no connection: they are ended elsewhere.
    this.#server.close();
  }
}

async function isServed(socket: string): Promise<boolean> {
  const probe = createConnection({ path: socket });
  try {
    return await new Promise<boolean>((resolve) => {
      probe.once("connect", () => resolve(true));
      probe.once("error", () => resolve(false));
    });
  } finally {
    probe.destroy();
  }
}
