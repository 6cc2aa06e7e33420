// SPDX-License-Identifier: Apache-2.0

import { chmod, mkdir, rm } from "node:fs/promises";
import type { Server } from "node:net";
import path from "node:path";
import { toEngineError, unavailable } from "../base/errors.ts";

/** Where a server of ours listens. */
export interface UnixSocketOptions {
  readonly socket: string;
  /** A listening socket that the service manager made; the path is then its business. */
  readonly inheritedDescriptor?: number;
}

/**
 * Makes the server listen, for the owner and the group of the file alone. What lies at the path is replaced: the caller
 * knows that nobody serves it any more. A server that cannot listen is closed.
 */
export async function listenOnUnixSocket(server: Server, options: UnixSocketOptions): Promise<void> {
  const { socket, inheritedDescriptor } = options;
  try {
    if (inheritedDescriptor === undefined) {
      await mkdir(path.dirname(socket), { recursive: true, mode: 0o711 });
      await rm(socket, { force: true });
    }
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(inheritedDescriptor === undefined ? { path: socket } : { fd: inheritedDescriptor }, () => {
        server.off("error", reject);
        resolve();
      });
    });
    if (inheritedDescriptor === undefined) await chmod(socket, 0o660);
  } catch (error) {
    server.close(); // or it would keep the process
    throw unavailable(`listen on ${socket}: ${toEngineError(error).message}`, error);
  }
}
