// SPDX-License-Identifier: Apache-2.0

import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { BerthError } from "./errors.ts";

/** The HTTP/2 session with a daemon: made with the first call, and anew after the daemon has gone. */
export interface Session {
  /** Resolves at once: a daemon that is not there shows as the failure of the call. */
  connect(): Promise<ClientHttp2Session>;
  /** The failure of a call as the user should read it. */
  explain(error: unknown): unknown;
  close(): void;
}

const windowBytes = 1024 * 1024;

export function openSession(host: string): Session {
  const path = socketPath(host);
  let current: ClientHttp2Session | undefined;
  /** Why the last session could not be made. */
  let unreachable: Error | undefined;
  return {
    async connect() {
      if (current === undefined || current.closed || current.destroyed) {
        const socket = connect(path);
        unreachable = undefined;
        socket.once("error", (error: NodeJS.ErrnoException) => {
          if (error.syscall === "connect") unreachable = error;
        });
        current = connectHttp2("http://berth", {
          createConnection: () => socket,
          settings: { initialWindowSize: windowBytes, enablePush: false },
        });
        // Each call sees it as its own failure.
        current.on("error", () => {});
      }
      return await Promise.resolve(current);
    },
    explain(error) {
      if (unreachable === undefined || (error instanceof Error && error.name === "AbortError")) return error;
      return new BerthError("unavailable", `Cannot connect to the Berth daemon at ${host}. Is it running?`, {
        cause: unreachable,
      });
    },
    close: () => current?.destroy(),
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
