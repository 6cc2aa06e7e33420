// SPDX-License-Identifier: Apache-2.0
// Carries bytes between a forwarded connection and the socket of a service.

import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ForwardedStreams } from "./streaming-runtime.ts";

/** Resolves when the service has ended its side; the end of the input is passed on to it. Ends the socket in any case. */
export async function joinConnection(
  socket: Duplex,
  connection: ForwardedStreams,
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  const destroy = () => socket.destroy();
  signal.addEventListener("abort", destroy, { once: true });
  // What keeps input from the service shows where its output is read.
  void pipeline(connection.input, socket).catch(destroy);
  try {
    for await (const chunk of socket) await connection.output(chunk as Uint8Array);
    signal.throwIfAborted();
  } finally {
    signal.removeEventListener("abort", destroy);
    socket.destroy();
  }
}
