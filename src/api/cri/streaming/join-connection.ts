// SPDX-License-Identifier: Apache-2.0
// Carries bytes between a forwarded connection and the socket of a service.

import { once } from "node:events";
import type { Duplex } from "node:stream";
import type { ForwardedStreams } from "./streaming-runtime.ts";

/** Resolves when the service has ended its side; the end of the input is passed on to it. Ends the socket in any case. */
export async function joinConnection(
  socket: Duplex,
  connection: ForwardedStreams,
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  const destroy = () => socket.destroy();
  // A failure shows where the socket is read; this keeps it from being an uncaught one.
  socket.on("error", destroy);
  signal.addEventListener("abort", destroy, { once: true });
  try {
    const sending = send(socket, connection.input).catch(destroy);
    for await (const chunk of socket) await connection.output(chunk as Uint8Array);
    signal.throwIfAborted();
    socket.destroy();
    void sending;
  } finally {
    signal.removeEventListener("abort", destroy);
    socket.destroy();
  }
}

async function send(socket: Duplex, input: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of input) {
    if (socket.destroyed) return;
    if (!socket.write(chunk)) await Promise.race([once(socket, "drain"), once(socket, "close")]);
  }
  socket.end();
}
