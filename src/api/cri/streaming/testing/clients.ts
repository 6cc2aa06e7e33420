// SPDX-License-Identifier: Apache-2.0
// Clients of a streaming server for tests: frame by frame over SPDY, message by message over WebSocket.

import { once } from "node:events";
import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Socket } from "node:net";
import { text } from "node:stream/consumers";
import { WebSocket } from "ws";
import { RawPeer } from "../../../../host/spdy/testing/raw-peer.ts";

export interface SpdyClient {
  readonly peer: RawPeer;
  readonly socket: Socket;
  readonly response: IncomingMessage;
}

/** Asks for SPDY; throws the status and text of an answer that refuses. */
export async function connectSpdy(
  url: string,
  protocols: string | undefined,
  options: { readonly method?: string; readonly ca?: string } = {},
): Promise<SpdyClient> {
  const headers = {
    Connection: "Upgrade",
    Upgrade: "SPDY/3.1",
    ...(protocols !== undefined && { "X-Stream-Protocol-Version": protocols }),
  };
  const make = url.startsWith("https:") ? httpsRequest : httpRequest;
  const request: ClientRequest = make(url, { method: "POST", headers, ...options });
  request.end();
  const { promise, resolve, reject } = Promise.withResolvers<SpdyClient>();
  request.once("error", reject);
  request.once("response", (response) => {
    text(response).then((body) => reject(new Error(`${response.statusCode} ${body.trim()}`)), reject);
  });
  request.once("upgrade", (response, socket, head) => {
    if (head.length > 0) socket.unshift(head);
    resolve({ peer: new RawPeer(socket), socket: socket as Socket, response });
  });
  return await promise;
}

/** Opens the streams of a command; gives their ids. */
export async function openStreams<T extends string>(peer: RawPeer, ...types: T[]): Promise<Record<T, number>> {
  const ids: Partial<Record<T, number>> = {};
  for (const type of types) ids[type] = await peer.open({ streamtype: type });
  return ids as Record<T, number>;
}

/** A WebSocket whose messages are kept by channel. */
export class ChannelClient {
  readonly socket: WebSocket;
  readonly received = new Map<number, Buffer[]>();
  readonly #base64: boolean;

  private constructor(socket: WebSocket, base64: boolean) {
    this.socket = socket;
    this.#base64 = base64;
    socket.on("message", (message: Buffer) => {
      const channel = base64 ? Number(message.toString("latin1", 0, 1)) : (message[0] ?? -1);
      const data = base64 ? Buffer.from(message.toString("latin1", 1), "base64") : message.subarray(1);
      this.received.set(channel, [...(this.received.get(channel) ?? []), data]);
    });
  }

  static async open(url: string, protocol?: string): Promise<ChannelClient> {
    const socket = new WebSocket(url.replace(/^http/, "ws"), protocol === undefined ? [] : [protocol]);
    const client = new ChannelClient(socket, protocol?.includes("base64") ?? false);
    await once(socket, "open");
    return client;
  }

  send(channel: number, data: string | Uint8Array): void {
    const bytes = Buffer.from(data);
    this.socket.send(
      this.#base64 ? `${channel}${bytes.toString("base64")}` : Buffer.concat([Uint8Array.of(channel), bytes]),
    );
  }

  data(channel: number): Buffer {
    return Buffer.concat(this.received.get(channel) ?? []);
  }

  /** The code with which the server said goodbye. */
  async closed(): Promise<number> {
    if (this.socket.readyState === WebSocket.CLOSED) return 0;
    const [code] = (await once(this.socket, "close")) as [number];
    return code;
  }
}
