// SPDX-License-Identifier: Apache-2.0
// One stream of a SPDY connection, opened by the peer. Its two directions end by themselves: incoming when the peer has
// ended it, outgoing by end(). reset() ends both at once, and so does the end of the connection.

import { cancelled } from "../../base/errors.ts";
import { ByteQueue } from "./byte-queue.ts";
import { type Frame, resetStatus } from "./frame.ts";
import type { Headers } from "./header-codec.ts";
import { defaultWindow, type SendWindows } from "./send-windows.ts";

/** What is sent in one frame at most, in bytes, so that streams take turns. */
const largestDataFrame = 64 * 1024;

/** What a stream needs of its connection. */
export interface StreamLink {
  readonly windows: SendWindows;
  /** Resolves when the transport can take more. */
  send(frame: Exclude<Frame, { kind: "unknown" }>): Promise<void>;
  /** Sends without waiting. */
  sendControl(frame: Exclude<Frame, { kind: "unknown" }>): void;
  /** So many bytes of the stream have been read. */
  taken(bytes: number): void;
  /** The stream has ended in both directions. */
  forget(stream: SpdyStream): void;
}

/** Belongs to its connection, which ends it. */
export class SpdyStream {
  readonly id: number;
  readonly headers: Headers;
  readonly #link: StreamLink;
  readonly #queue: ByteQueue;
  #remoteEnded = false;
  #localEnded = false;
  #ended = false;
  #unacknowledged = 0;

  constructor(id: number, headers: Headers, link: StreamLink) {
    this.id = id;
    this.headers = headers;
    this.#link = link;
    this.#queue = new ByteQueue((bytes) => this.#taken(bytes));
    link.windows.open(id);
  }

  /** What the peer sends; to be iterated once. Throws cancelled when the peer went or reset it before its end. */
  get incoming(): AsyncIterableIterator<Uint8Array> {
    return this.#queue;
  }

  /** Resolves when the peer can take more; throws cancelled when it takes none. */
  async write(data: Uint8Array): Promise<void> {
    for (let rest = data; rest.length > 0; ) {
      const size = await this.#link.windows.take(this.id, Math.min(rest.length, largestDataFrame));
      if (this.#localEnded || size === 0) throw cancelled("the peer has closed the stream");
      await this.#link.send({ kind: "data", streamId: this.id, fin: false, data: rest.subarray(0, size) });
      rest = rest.subarray(size);
    }
  }

  /** Tells the peer that no more comes. */
  async end(): Promise<void> {
    if (this.#localEnded) return;
    this.#localEnded = true;
    this.#forgetIfOver();
    await this.#link.send({ kind: "data", streamId: this.id, fin: true, data: new Uint8Array() });
  }

  /** Ends both directions, and tells the peer unless it knows that no more comes: what was sent still arrives. */
  reset(status: number = resetStatus.cancel): void {
    const unknown = !this.#localEnded;
    this.close();
    if (unknown) this.#link.sendControl({ kind: "rst-stream", streamId: this.id, status });
  }

  /** For the connection: data of the peer, perhaps the last. */
  receive(data: Uint8Array, fin: boolean): void {
    if (data.length > 0) this.#queue.push(data);
    if (!fin) return;
    this.#remoteEnded = true;
    this.#queue.end();
    this.#forgetIfOver();
  }

  /** For the connection: the peer cannot or must not get anything on it. */
  endSilently(): void {
    this.#localEnded = true;
    this.#forgetIfOver();
  }

  /** For the connection: both directions are over; a failure is what a reader sees that has not reached the end. */
  close(failure?: Error): void {
    this.#localEnded = true;
    this.#remoteEnded = true;
    if (failure === undefined) this.#queue.abandon();
    this.#queue.end(failure);
    this.#forgetIfOver();
  }

  #forgetIfOver(): void {
    if (this.#ended || !this.#localEnded || !this.#remoteEnded) return;
    this.#ended = true;
    this.#link.windows.close(this.id);
    this.#link.forget(this);
  }

  #taken(bytes: number): void {
    this.#link.taken(bytes);
    this.#unacknowledged += bytes;
    if (this.#remoteEnded || this.#unacknowledged < defaultWindow / 2) return;
    this.#link.sendControl({ kind: "window-update", streamId: this.id, delta: this.#unacknowledged });
    this.#unacknowledged = 0;
  }
}
