// SPDX-License-Identifier: Apache-2.0
// Connections to the ports of a pod, made inside its network namespace by the namespace thread, which every connection
// occupies for the time of a few system calls.

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { toEngineError } from "../../../base/errors.ts";
import type { PortDialer } from "../../../core/sandboxes/port-dialer.ts";
import { type LoopbackAddress, loopbackAddresses } from "../../../linux/ffi/socket.ts";
import type { NamespaceThread } from "../../../linux/namespaces/namespace-thread.ts";

export interface LinuxPortDialerDependencies {
  readonly namespaceThread: Pick<NamespaceThread, "connect">;
}

interface Waiting {
  readonly signal: AbortSignal;
}

/** Tries the addresses of a namespace's loopback interface in turn; the first one's failure is the one that counts. */
export function linuxPortDialer({ namespaceThread }: LinuxPortDialerDependencies): PortDialer {
  return {
    async connect(namespacePath, port, { signal }) {
      let first: unknown;
      for (const address of loopbackAddresses) {
        try {
          const socket =
            namespacePath === undefined
              ? await connectHere(address, port, { signal })
              : await namespaceThread.connect({ pin: namespacePath, address, port }, { signal });
          return socket.setNoDelay(true);
        } catch (error) {
          signal.throwIfAborted();
          first ??= error;
        }
      }
      throw toEngineError(first, `cannot connect to port ${port}`);
    },
  };
}

async function connectHere(host: LoopbackAddress, port: number, { signal }: Waiting): Promise<Socket> {
  const socket = connect({ host, port, allowHalfOpen: true });
  try {
    await once(socket, "connect", { signal });
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}
