// SPDX-License-Identifier: Apache-2.0
// What kubectl asks a kubelet for: a container's log, and a command in it over WebSocket, which the kubelet passes on to
// the engine's streaming server.

import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { text } from "node:stream/consumers";
import { WebSocket } from "ws";
import type { Kubelet } from "./kubelet.ts";

export interface ContainerName {
  /** As in its manifest. */
  readonly pod: string;
  readonly container: string;
}

const deadlineMs = 20_000;

/** The last lines of a container's log. */
export async function tailLog(kubelet: Kubelet, name: ContainerName, lines: number): Promise<string> {
  const url = `https://${placeOf(kubelet, "containerLogs", name)}?tailLines=${lines}`;
  const sent = request(url, { rejectUnauthorized: false, signal: AbortSignal.timeout(deadlineMs) });
  sent.end();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  const body = await text(response);
  if (response.statusCode !== 200) throw new Error(`the kubelet answers with ${response.statusCode}: ${body}`);
  return body;
}

/** Runs a command; its stdout and the kubelet's word on how it ended. */
export async function exec(
  kubelet: Kubelet,
  name: ContainerName,
  command: readonly string[],
): Promise<{ readonly stdout: string; readonly status: string }> {
  const words = command.map((word) => `command=${encodeURIComponent(word)}`);
  const query = ["output=1", "error=1", ...words].join("&");
  const socket = new WebSocket(`wss://${placeOf(kubelet, "exec", name)}?${query}`, ["v5.channel.k8s.io"], {
    rejectUnauthorized: false,
    handshakeTimeout: deadlineMs,
  });
  const channels = new Map<number, Buffer[]>();
  socket.on("message", (data: Buffer) => {
    const [channel = 0] = data;
    channels.set(channel, [...(channels.get(channel) ?? []), data.subarray(1)]);
  });
  await once(socket, "close", { signal: AbortSignal.timeout(deadlineMs) });
  const read = (channel: number) => Buffer.concat(channels.get(channel) ?? []).toString();
  return { stdout: read(1), status: (JSON.parse(read(3)) as { readonly status: string }).status };
}

function placeOf(kubelet: Kubelet, verb: string, { pod, container }: ContainerName): string {
  return `127.0.0.1:${kubelet.setup.ports.secure}/${verb}/default/${kubelet.podName(pod)}/${container}`;
}
