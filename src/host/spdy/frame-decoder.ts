// SPDX-License-Identifier: Apache-2.0
// Makes SPDY frames of bytes that arrive in any pieces. It holds no more than one control frame, whose length has a
// limit; data is passed on as it comes, a long frame in several parts, so it needs none.

import { invalidArgument } from "../../base/errors.ts";
import { type Frame, type FrameHead, headSize, parseControl, readHead } from "./frame.ts";

/** The longest control frame that is taken, in bytes. */
export const maximumControlFrame = 64 * 1024;

const finFlag = 1;

/** Throws invalid-argument at the first frame that cannot be; it is of no use after that. */
export class FrameDecoder {
  #buffer = Buffer.alloc(headSize);
  #filled = 0;
  #head: FrameHead | undefined;
  /** Of a data frame: bytes that have not come. */
  #left = 0;

  /** The frames, and parts of data frames, that these bytes complete, in order. */
  *push(bytes: Uint8Array): Generator<Frame> {
    let rest = bytes;
    while (rest.length > 0) {
      if (this.#head !== undefined && !this.#head.control) {
        const data = rest.subarray(0, this.#left);
        rest = rest.subarray(data.length);
        this.#left -= data.length;
        yield this.#data(this.#head, data);
        continue;
      }
      const part = rest.subarray(0, this.#buffer.length - this.#filled);
      this.#buffer.set(part, this.#filled);
      this.#filled += part.length;
      rest = rest.subarray(part.length);
      if (this.#filled < this.#buffer.length) return;
      const frame = this.#head === undefined ? this.#begin(readHead(this.#buffer)) : this.#control(this.#head);
      if (frame !== undefined) yield frame;
    }
  }

  /** A frame without a payload is complete at once. */
  #begin(head: FrameHead): Frame | undefined {
    if (!head.control && head.streamId === 0) throw invalidArgument("SPDY data for stream 0");
    if (head.control && head.length > maximumControlFrame)
      throw invalidArgument(`SPDY control frame of ${head.length} bytes, more than ${maximumControlFrame}`);
    this.#head = head;
    this.#filled = 0;
    this.#buffer = Buffer.alloc(head.control ? head.length : 0);
    this.#left = head.length;
    if (head.length > 0) return undefined;
    return head.control ? this.#control(head) : this.#data(head, new Uint8Array());
  }

  #control(head: FrameHead): Frame {
    const payload = this.#buffer;
    this.#reset();
    return parseControl(head, payload);
  }

  #data({ streamId, flags }: FrameHead, data: Uint8Array): Frame {
    const last = this.#left === 0;
    if (last) this.#reset();
    return { kind: "data", streamId, fin: last && (flags & finFlag) !== 0, data };
  }

  #reset(): void {
    this.#head = undefined;
    this.#filled = 0;
    this.#buffer = Buffer.alloc(headSize);
  }
}
