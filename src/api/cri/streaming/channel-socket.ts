// SPDX-License-Identifier: Apache-2.0
// Several byte streams over one WebSocket, as Kubernetes does it: each message begins with the number of its channel, as
// a byte, or as a digit before base64. From version 5 on a message of 255 and a channel's number ends that channel.
// Nothing is read while too much lies unread.

import type { WebSocket } from "ws";
import { cancelled, messageOf } from "../../../base/errors.ts";
import { raceSignal } from "../../../base/lifetime.ts";
import { ByteQueue } from "../../../host/spdy/byte-queue.ts";

const unreadLimit = 1024 * 1024;
/** While nothing is read, its end cannot be read either: a ping so often notices it. */
const probeMs = 10_000;
const closeSignal = 255;
const normalClosure = 1000;
const protocolError = 1002;

export interface ChannelProtocol {
  readonly base64: boolean;
  /** Whether the client can end a channel. */
  readonly closes: boolean;
}

/** Owns its WebSocket; whoever makes it closes it. */
export class ChannelSocket {
  readonly #socket: WebSocket;
  readonly #protocol: ChannelProtocol;
  readonly #queues = new Map<number, ByteQueue>();
  readonly #over = new AbortController();
  #unread = 0;
  #probe: NodeJS.Timeout | undefined;

  /** readable: the channels on which the client may send; what it sends on others is dropped. */
  constructor(socket: WebSocket, protocol: ChannelProtocol, readable: readonly number[]) {
    this.#socket = socket;
    this.#protocol = protocol;
    for (const channel of readable) this.#queues.set(channel, new ByteQueue((bytes) => this.#taken(bytes)));
    socket.binaryType = "nodebuffer";
    socket.on("message", (message) => this.#receive(message as Buffer));
    socket.on("error", (error) => this.#end(error));
    socket.once("close", () => this.#end());
  }

  /** Aborts when the peer has gone. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** What the client sends on a readable channel; to be iterated once. */
  incoming(channel: number): AsyncIterableIterator<Uint8Array> {
    const queue = this.#queues.get(channel);
    if (queue === undefined) throw new RangeError(`channel ${channel} is not readable`);
    return queue;
  }

  /** Resolves when the peer can take more; throws cancelled when it has gone. */
  async send(channel: number, data: Uint8Array): Promise<void> {
    const message = this.#protocol.base64
      ? `${channel}${Buffer.from(data).toString("base64")}`
      : Buffer.concat([Uint8Array.of(channel), data]);
    await new Promise<void>((resolve, reject) => {
      this.#socket.send(message, (error) =>
        error ? reject(cancelled("the peer's connection has ended", error)) : resolve(),
      );
    });
  }

  /** Says goodbye and waits for the peer to answer, or for the signal; never throws. */
  async close({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    for (const queue of this.#queues.values()) queue.abandon();
    const closed = new Promise<void>((resolve) => {
      if (this.#socket.readyState === this.#socket.CLOSED) resolve();
      else this.#socket.once("close", () => resolve());
    });
    this.#socket.close(normalClosure);
    try {
      await raceSignal(closed, signal);
    } catch {
      this.#socket.terminate();
      await closed;
    }
  }

  #receive(message: Buffer): void {
    const first = message[0];
    if (first === undefined) return;
    if (this.#protocol.closes && first === closeSignal) {
      const channel = message[1];
      if (channel === undefined || message.length !== 2) this.#socket.close(protocolError);
      else this.#queues.get(channel)?.end();
      return;
    }
    const queue = this.#queues.get(this.#protocol.base64 ? first - 48 : first);
    if (queue === undefined) return;
    const data = this.#protocol.base64 ? Buffer.from(message.toString("latin1", 1), "base64") : message.subarray(1);
    this.#unread += data.length;
    queue.push(data);
    if (this.#unread < unreadLimit || this.#socket.isPaused) return;
    this.#socket.pause();
    this.#probe ??= setInterval(() => this.#socket.ping(), probeMs);
  }

  #taken(bytes: number): void {
    this.#unread -= bytes;
    if (this.#unread >= unreadLimit || !this.#socket.isPaused) return;
    clearInterval(this.#probe);
    this.#probe = undefined;
    this.#socket.resume();
  }

  #end(error?: unknown): void {
    if (this.#over.signal.aborted) return;
    clearInterval(this.#probe);
    const reason = cancelled(
      error === undefined ? "the peer's connection has ended" : `the peer's connection broke: ${messageOf(error)}`,
      error,
    );
    this.#over.abort(reason);
    for (const queue of this.#queues.values()) queue.end(reason);
  }
}
