// SPDX-License-Identifier: Apache-2.0
// The server's end of a SPDY/3.1 connection: the peer opens streams, each both ways, over one transport (a socket, or a
// WebSocket that carries frames). Nothing is read from the transport while the peer's streams hold too much that nobody
// has read: that, not the windows, bounds memory, since Kubernetes' clients know no windows (send-windows.ts). What the
// peer sends wrongly ends the connection with GOAWAY, not the process.

import type { Duplex } from "node:stream";
import { cancelled, EngineError, invalidArgument, isEngineError, messageOf } from "../../base/errors.ts";
import { cleanupDeadlineMs, deadlineSignal, raceSignal } from "../../base/lifetime.ts";
import { encodeFrame, type Frame, goAwayStatus, type HeaderFrame, resetStatus } from "./frame.ts";
import { FrameDecoder } from "./frame-decoder.ts";
import { HeaderDeflater, HeaderInflater, type Headers } from "./header-codec.ts";
import { defaultWindow, SendWindows } from "./send-windows.ts";
import { SpdyStream } from "./stream.ts";

/** Nothing is read while this much lies unread, in bytes. */
const unreadLimit = 1024 * 1024;

/** So many answers to a peer that does not read them end the connection. */
const controlLimit = 1000;

/** How long a connection waits for the peer to hang up after GOAWAY. */
const lingerMs = 300_000;

/** While nothing is read, its end cannot be read either: a ping so often notices it. */
const probeMs = 10_000;

type OutgoingFrame = Exclude<Frame, { kind: "unknown" }>;

export interface SpdyOptions {
  /** How many streams may be open at once; more are refused. */
  readonly maximumStreams: number;
  /** Whether the peer may open a stream with these headers. */
  accepts(headers: Headers): boolean;
  /** A stream that was accepted; called while frames are read, so it must return at once. */
  onStream(stream: SpdyStream): void;
}

/** Owns its transport; whoever makes it disposes it, or closes it for what was written to arrive. */
export class SpdyConnection implements AsyncDisposable {
  readonly #transport: Duplex;
  readonly #options: SpdyOptions;
  readonly #decoder = new FrameDecoder();
  readonly #inflater = new HeaderInflater();
  readonly #deflater = new HeaderDeflater();
  readonly #windows = new SendWindows();
  readonly #streams = new Map<number, SpdyStream>();
  readonly #over = new AbortController();
  readonly #reading: Promise<void>;
  #lastStreamId = 0;
  #lastPing = 0;
  #goneAway = false;
  #unread = 0;
  #unacknowledged = 0;
  #room: (() => void) | undefined;
  #sending: Promise<void> = Promise.resolve();
  #controlFrames = 0;

  constructor(transport: Duplex, options: SpdyOptions) {
    this.#transport = transport;
    this.#options = options;
    transport.on("error", (error) => this.#end(error));
    transport.once("close", () => this.#end());
    this.#reading = this.#read();
  }

  /** Aborts when the peer has gone, or the connection has been closed. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** Ends the streams that are open, lets what was written arrive, and waits for the peer to hang up. */
  async close({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    for (const stream of this.#streams.values()) stream.reset();
    this.#goAway(goAwayStatus.ok);
    try {
      const finished = this.#sending.then(async () => await this.#finish());
      await raceSignal(Promise.race([this.#reading, finished]), signal);
      await raceSignal(this.#reading, AbortSignal.any([signal, deadlineSignal(lingerMs, "the peer's hanging up")]));
    } catch {
      // The signal or the deadline says that it is enough.
    } finally {
      await this[Symbol.asyncDispose]();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#transport.destroy();
    this.#end();
    await this.#reading;
  }

  async #read(): Promise<void> {
    try {
      for await (const chunk of this.#transport.iterator({ destroyOnReturn: false })) {
        for (const frame of this.#decoder.push(chunk as Uint8Array)) await this.#receive(frame);
        if (this.#over.signal.aborted) break;
      }
      this.#end();
    } catch (error) {
      if (isEngineError(error)) {
        this.#goAway(goAwayStatus.protocolError);
        // A peer that does not take the word is left without it: the connection ends by the error either way.
        const told = this.#sending.then(async () => await this.#finish());
        await raceSignal(told, deadlineSignal(cleanupDeadlineMs, "GOAWAY")).catch(() => {});
      }
      this.#end(error);
    } finally {
      this.#transport.destroy();
      this.#inflater[Symbol.dispose]();
      this.#deflater[Symbol.dispose]();
    }
  }

  async #receive(frame: Frame): Promise<void> {
    switch (frame.kind) {
      case "data":
        return await this.#receiveData(frame.streamId, frame.data, frame.fin);
      case "syn-stream":
        return this.#open(frame, await this.#inflater.read(frame.block));
      case "syn-reply":
      case "headers":
        // Every block is read, since the next one depends on it; these say nothing that is asked for.
        await this.#inflater.read(frame.block);
        if (frame.fin) this.#streams.get(frame.streamId)?.receive(new Uint8Array(), true);
        return;
      case "rst-stream":
        return this.#streams.get(frame.streamId)?.close(cancelled("the peer has reset the stream"));
      case "settings":
        if (frame.initialWindow !== undefined) this.#windows.setInitial(frame.initialWindow);
        return;
      case "ping":
        // Pings of this side have even numbers; their answers say no more than any other frame.
        if (frame.id % 2 === 1) this.#sendControl(frame);
        return;
      case "goaway":
        this.#goneAway = true;
        return;
      case "window-update":
        return this.#grow(frame.streamId, frame.delta);
      case "unknown":
        return;
    }
  }

  #open({ streamId, fin, unidirectional }: HeaderFrame, headers: Headers): void {
    if (streamId % 2 === 0 || streamId <= this.#lastStreamId)
      throw invalidArgument(`SPDY stream ${streamId} after ${this.#lastStreamId}`);
    this.#lastStreamId = streamId;
    if (this.#goneAway) return;
    if (this.#streams.size >= this.#options.maximumStreams || !this.#options.accepts(headers))
      return this.#sendControl({ kind: "rst-stream", streamId, status: resetStatus.refused });
    const stream = new SpdyStream(streamId, headers, {
      windows: this.#windows,
      send: async (frame) => await this.#send(frame),
      sendControl: (frame) => this.#sendControl(frame),
      taken: (bytes) => this.#taken(bytes),
      forget: ({ id }) => this.#streams.delete(id),
    });
    this.#streams.set(streamId, stream);
    if (unidirectional) stream.endSilently();
    else this.#sendControl({ kind: "syn-reply", streamId, fin: false, unidirectional: false, block: new Uint8Array() });
    this.#options.onStream(stream);
    if (fin) stream.receive(new Uint8Array(), true);
  }

  async #receiveData(streamId: number, data: Uint8Array, fin: boolean): Promise<void> {
    this.#unread += data.length;
    const stream = this.#streams.get(streamId);
    if (stream !== undefined) stream.receive(data, fin);
    else {
      this.#taken(data.length);
      // A stream that was open once may still be sent to: the peer has yet to learn of its end.
      if (streamId > this.#lastStreamId)
        this.#sendControl({ kind: "rst-stream", streamId, status: resetStatus.invalidStream });
    }
    if (this.#unread < unreadLimit) return;
    const probe = setInterval(() => this.#probe(), probeMs);
    try {
      while (this.#unread >= unreadLimit && !this.#over.signal.aborted)
        await new Promise<void>((resolve) => {
          this.#room = resolve;
        });
    } finally {
      clearInterval(probe);
    }
  }

  #probe(): void {
    this.#lastPing = (this.#lastPing + 2) % 0x8000_0000;
    this.#sendControl({ kind: "ping", id: this.#lastPing });
  }

  #grow(streamId: number, delta: number): void {
    if (this.#windows.update(streamId, delta)) return;
    if (streamId === 0) throw invalidArgument("SPDY session window is too large");
    this.#streams.get(streamId)?.reset(resetStatus.flowControl);
  }

  #taken(bytes: number): void {
    this.#unread -= bytes;
    this.#unacknowledged += bytes;
    if (this.#unread < unreadLimit) this.#room?.();
    if (this.#unacknowledged < defaultWindow / 2) return;
    this.#sendControl({ kind: "window-update", streamId: 0, delta: this.#unacknowledged });
    this.#unacknowledged = 0;
  }

  #goAway(status: number): void {
    this.#goneAway = true;
    this.#sendControl({ kind: "goaway", lastStreamId: this.#lastStreamId, status });
  }

  /** One frame after the other, in the order of the calls. Resolves when the transport can take more. */
  async #send(frame: OutgoingFrame): Promise<void> {
    const previous = this.#sending;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#sending = promise;
    try {
      await previous;
      this.#over.signal.throwIfAborted();
      // After the goodbye the peer's frames are still read, but no longer answered.
      if (this.#transport.writableEnded) return;
      const bytes = encodeFrame(
        frame.kind === "syn-reply" ? { ...frame, block: await this.#deflater.write(new Map()) } : frame,
      );
      if (!this.#transport.write(bytes)) await this.#drained();
    } finally {
      resolve();
    }
  }

  #sendControl(frame: OutgoingFrame): void {
    if (++this.#controlFrames > controlLimit)
      return this.#end(new EngineError("resource-exhausted", "the peer reads none of the answers to its frames"));
    void this.#send(frame)
      .catch((error: unknown) => this.#end(error))
      .finally(() => this.#controlFrames--);
  }

  /** Resolves when the transport has taken everything and its end. */
  async #finish(): Promise<void> {
    await new Promise<void>((resolve) => this.#transport.end(() => resolve()));
  }

  async #drained(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#transport.once("drain", resolve);
    try {
      await raceSignal(promise, this.#over.signal);
    } finally {
      this.#transport.off("drain", resolve);
    }
  }

  #end(error?: unknown): void {
    if (this.#over.signal.aborted) return;
    const reason = cancelled(
      error === undefined ? "the peer's connection has ended" : `the peer's connection broke: ${messageOf(error)}`,
      error,
    );
    this.#over.abort(reason);
    for (const stream of this.#streams.values()) stream.close(reason);
    this.#room?.();
    this.#transport.destroy();
  }
}
