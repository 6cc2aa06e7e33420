// SPDX-License-Identifier: Apache-2.0
// Connections into pods: what port-forward needs.

import type { Duplex } from "node:stream";

export interface PortDialer {
  /**
   * A connection to a port on the loopback addresses of a network namespace, the host's when undefined; unavailable when
   * nobody listens there. Owned by the caller.
   */
  connect(namespacePath: string | undefined, port: number, options: { readonly signal: AbortSignal }): Promise<Duplex>;
}
