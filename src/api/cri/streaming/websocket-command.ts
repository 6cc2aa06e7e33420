// SPDX-License-Identifier: Apache-2.0
// Exec and attach over WebSocket: channels 0 to 2 are the standard streams by their descriptors, 3 says how it ended,
// 4 takes the terminal's sizes.

import type { WebSocket } from "ws";
import { raceSignal } from "../../../base/lifetime.ts";
import { type ChannelProtocol, ChannelSocket } from "./channel-socket.ts";
import type { CommandSession } from "./command-session.ts";
import { encodeStatus } from "./command-status.ts";
import type { CommandStreams } from "./streaming-runtime.ts";
import { TerminalSizes } from "./terminal-sizes.ts";

const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 } as const;

interface CommandProtocol extends ChannelProtocol {
  readonly status: "json" | "text";
}

/** By name; a client that names none means the oldest. */
export const websocketCommandProtocols: ReadonlyMap<string, CommandProtocol> = new Map([
  ["v5.channel.k8s.io", { base64: false, closes: true, status: "json" }],
  ["v4.channel.k8s.io", { base64: false, closes: false, status: "json" }],
  ["v4.base64.channel.k8s.io", { base64: true, closes: false, status: "json" }],
  ["channel.k8s.io", { base64: false, closes: false, status: "text" }],
  ["base64.channel.k8s.io", { base64: true, closes: false, status: "text" }],
]);

/** Takes over the WebSocket; the session ends it. */
export function openWebSocketCommand(
  webSocket: WebSocket,
  request: CommandStreams,
  protocol: CommandProtocol,
): CommandSession {
  const readable = [channels.resize, ...(request.stdin ? [channels.stdin] : [])];
  const socket = new ChannelSocket(webSocket, protocol, readable);
  const sizes = new TerminalSizes();
  void sizes.follow(socket.incoming(channels.resize));
  const writer = (type: "stdout" | "stderr") =>
    request[type] ? async (chunk: Uint8Array) => await socket.send(channels[type], chunk) : undefined;
  // Clients of long ago wait for a first message, empty as it is, before they send. That a peer has gone shows elsewhere.
  const first = request.stdout ? channels.stdout : request.stderr ? channels.stderr : channels.error;
  void socket.send(first, new Uint8Array()).catch(() => {});
  return {
    streams: {
      stdin: request.stdin ? socket.incoming(channels.stdin) : undefined,
      stdout: writer("stdout"),
      stderr: writer("stderr"),
      resizes: sizes,
    },
    signal: socket.signal,
    async finish(status, { signal }) {
      const last = encodeStatus(status, protocol.status);
      try {
        if (last.length > 0) await raceSignal(socket.send(channels.error, last), signal);
      } catch {
        // The peer has gone, or is to go: nobody is left to be told.
      }
      await socket.close({ signal });
    },
  };
}
