// SPDX-License-Identifier: Apache-2.0
// The client's end of a SPDY connection for tests, frame by frame: it sends what it is told and remembers what came, and
// does nothing by itself, so that a test may break any rule.

import { once } from "node:events";
import type { Duplex } from "node:stream";
import { encodeFrame, type Frame } from "../frame.ts";
import { FrameDecoder } from "../frame-decoder.ts";
import { HeaderDeflater, HeaderInflater } from "../header-codec.ts";

export class RawPeer implements AsyncDisposable {
  readonly frames: Frame[] = [];
  readonly #transport: Duplex;
  readonly #deflater = new HeaderDeflater();
  readonly #inflater = new HeaderInflater();
  readonly #reading: Promise<void>;
  #changed = Promise.withResolvers<void>();
  #streamId = -1;
  ended = false;

  constructor(transport: Duplex) {
    this.#transport = transport;
    transport.on("error", () => {});
    this.#reading = this.#read();
  }

  /** Opens the next stream. */
  async open(headers: Readonly<Record<string, string>>, fin = false): Promise<number> {
    this.#streamId += 2;
    const block = await this.#deflater.write(new Map(Object.entries(headers)));
    await this.send({ kind: "syn-stream", streamId: this.#streamId, fin, unidirectional: false, block });
    return this.#streamId;
  }

  async sendData(streamId: number, data: string | Uint8Array, fin = false): Promise<void> {
    await this.send({ kind: "data", streamId, fin, data: Buffer.from(data) });
  }

  async send(frame: Exclude<Frame, { kind: "unknown" }>): Promise<void> {
    await this.sendBytes(encodeFrame(frame));
  }

  async sendBytes(bytes: Uint8Array): Promise<void> {
    if (!this.#transport.write(bytes)) await Promise.race([once(this.#transport, "drain"), this.#reading]);
  }

  /** Takes no more from the transport until resume. */
  pause(): void {
    this.#transport.pause();
  }

  resume(): void {
    this.#transport.resume();
  }

  /** The first frame, of those that came and come, for which the test says so. */
  async frame<F extends Frame>(test: (frame: Frame) => frame is F): Promise<F>;
  async frame(test: (frame: Frame) => boolean): Promise<Frame>;
  async frame(test: (frame: Frame) => boolean): Promise<Frame> {
    for (;;) {
      const found = this.frames.find(test);
      if (found !== undefined) return found;
      if (this.ended)
        throw new Error(
          `the connection ended without the frame; it had ${this.frames.map(({ kind }) => kind).join(", ")}`,
        );
      await this.#changed.promise;
    }
  }

  /** All data of the stream, once it or the connection has ended. */
  async data(streamId: number): Promise<Buffer> {
    const isEnd = (frame: Frame) =>
      (frame.kind === "data" && frame.fin && frame.streamId === streamId) ||
      (frame.kind === "rst-stream" && frame.streamId === streamId);
    if (!this.ended) await this.frame(isEnd);
    return Buffer.concat(
      this.frames.flatMap((frame) => (frame.kind === "data" && frame.streamId === streamId ? [frame.data] : [])),
    );
  }

  /** Resolves when the other side has hung up. */
  async end(): Promise<void> {
    await this.#reading;
  }

  async #read(): Promise<void> {
    const decoder = new FrameDecoder();
    const { promise, resolve } = Promise.withResolvers<void>();
    // Frames are handled in order, though blocks take a moment.
    let handled = Promise.resolve();
    this.#transport.on("data", (chunk: Buffer) => {
      for (const frame of decoder.push(chunk)) {
        handled = handled.then(async () => {
          if (frame.kind === "syn-reply") await this.#inflater.read(frame.block);
          this.frames.push(frame);
          this.#changed.resolve();
          this.#changed = Promise.withResolvers<void>();
        });
      }
    });
    this.#transport.once("end", resolve);
    this.#transport.once("close", resolve);
    await promise;
    await handled;
    this.ended = true;
    this.#changed.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#transport.destroy();
    await this.#reading;
    this.#deflater[Symbol.dispose]();
    this.#inflater[Symbol.dispose]();
  }
}
