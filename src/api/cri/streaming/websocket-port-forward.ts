// SPDX-License-Identifier: Apache-2.0
// Port-forward over WebSocket, the older way: the request names the ports, and the port with index i has the channels 2i
// for data and 2i+1 for the error, each of which begins with the port (u16, little endian). One connection a port.

import type { WebSocket } from "ws";
import { type ChannelProtocol, ChannelSocket } from "./channel-socket.ts";
import { type ForwardTarget, forwardPort } from "./forward-port.ts";

/** By name; a client that names none means the binary one. */
export const websocketPortForwardProtocols: ReadonlyMap<string, ChannelProtocol> = new Map([
  ["v4.channel.k8s.io", { base64: false, closes: false }],
  ["v4.base64.channel.k8s.io", { base64: true, closes: false }],
]);

/** Serves the connections until they have ended or the signal aborts; the WebSocket is its own. */
export async function serveWebSocketPortForward(
  webSocket: WebSocket,
  target: ForwardTarget,
  options: {
    readonly protocol: ChannelProtocol;
    readonly ports: readonly number[];
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { ports } = options;
  const socket = new ChannelSocket(
    webSocket,
    options.protocol,
    ports.map((_, index) => 2 * index),
  );
  const signal = AbortSignal.any([socket.signal, options.signal]);
  const serve = async (port: number, index: number) => {
    const [data, error] = [2 * index, 2 * index + 1];
    const begin = Uint8Array.of(port & 0xff, port >> 8);
    try {
      await socket.send(data, begin);
      await socket.send(error, begin);
    } catch {
      return; // the peer has gone
    }
    const peer = {
      input: socket.incoming(data),
      output: async (chunk: Uint8Array) => await socket.send(data, chunk),
      // A channel has no end of its own: when all have ended, the WebSocket does.
      end: async () => await Promise.resolve(),
      fail: async (message: string) => await socket.send(error, Buffer.from(message)),
    };
    await forwardPort(target, port, peer, { signal });
  };
  await Promise.all(ports.map(serve));
  await socket.close({ signal: options.signal });
}
