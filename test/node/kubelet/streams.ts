// SPDX-License-Identifier: Apache-2.0
// What kubectl asks a kubelet for: a container's log, and over WebSocket a command in it or a port of its pod, which the
// kubelet passes on to the engine's streaming server.

import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { text } from "node:stream/consumers";
import { WebSocket } from "ws";
import { eventually } from "../../support/daemon.ts";
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
  const place = `${placeOf(kubelet, "exec", name)}?${["output=1", "error=1", ...words].join("&")}`;
  await using socket = new ChannelSocket(place, "v5.channel.k8s.io");
  await socket.closed();
  const { status } = JSON.parse(socket.read(3).toString()) as { readonly status: string };
  return { stdout: socket.read(1).toString(), status };
}

/** What a port of a pod answers to a request. */
export async function askPort(kubelet: Kubelet, pod: string, port: number, request: string): Promise<string> {
  const place = `${placeOf(kubelet, "portForward", { pod })}?port=${port}`;
  await using socket = new ChannelSocket(place, "v4.channel.k8s.io");
  await socket.opened();
  socket.write(0, request);
  // Both channels begin with the number of the port.
  await eventually("an answer from the port", () => socket.read(0).length > 2 || socket.read(1).length > 2);
  return Buffer.concat([socket.read(0).subarray(2), socket.read(1).subarray(2)]).toString();
}

/** A WebSocket whose messages begin with the number of a channel. */
class ChannelSocket implements AsyncDisposable {
  readonly #socket: WebSocket;
  readonly #channels = new Map<number, Buffer[]>();

  constructor(place: string, protocol: string) {
    this.#socket = new WebSocket(`wss://${place}`, [protocol], {
      rejectUnauthorized: false,
      handshakeTimeout: deadlineMs,
    });
    this.#socket.on("message", (data: Buffer) => {
      const [channel = 0] = data;
      this.#channels.set(channel, [...(this.#channels.get(channel) ?? []), data.subarray(1)]);
    });
  }

  async opened(): Promise<void> {
    await once(this.#socket, "open", { signal: AbortSignal.timeout(deadlineMs) });
  }

  async closed(): Promise<void> {
    await once(this.#socket, "close", { signal: AbortSignal.timeout(deadlineMs) });
  }

  /** All that came on a channel. */
  read(channel: number): Buffer {
    return Buffer.concat(this.#channels.get(channel) ?? []);
  }

  write(channel: number, data: string): void {
    this.#socket.send(Buffer.concat([Buffer.of(channel), Buffer.from(data)]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#socket.readyState === WebSocket.CLOSED) return;
    const closed = this.closed();
    this.#socket.close();
    await closed;
  }
}

function placeOf(
  kubelet: Kubelet,
  verb: string,
  { pod, container }: { readonly pod: string; readonly container?: string },
): string {
  const name = [kubelet.podName(pod), ...(container === undefined ? [] : [container])].join("/");
  return `127.0.0.1:${kubelet.setup.ports.secure}/${verb}/default/${name}`;
}
