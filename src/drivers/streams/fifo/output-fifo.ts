// SPDX-License-Identifier: Apache-2.0
// The reading end of an output FIFO on the event loop: no blocked thread, no buffer of its own.
//
// A FIFO that nobody has opened for writing yet is silent, not at its end: epoll reports a hang-up only after a first
// writer came and went.

import { closeSync, constants, openSync, readSync } from "node:fs";
import { Socket } from "node:net";
import { hasErrno } from "../../../host/files/errno.ts";

/** 64 KiB is what a pipe holds and what libuv reads at most in one go. */
const readSize = 64 * 1024;

/** Shared by all FIFOs of this thread: libuv fills it and calls back before it reads from the next one. */
const readBuffer = Buffer.allocUnsafeSlow(readSize);

export interface OutputFifoEvents {
  /** The bytes are valid during the call only; false stops reading until resume. */
  onData(data: Uint8Array): boolean;
  /** Once, at the end, on close and after an error. */
  onEnd(error: Error | undefined): void;
}

/** Owned by the process's streams; close ends it without waiting for the writer. */
export class OutputFifo {
  readonly #socket: Socket;
  readonly #fd: number;
  readonly #events: OutputFifoEvents;

  constructor(path: string, events: OutputFifoEvents) {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    this.#fd = fd;
    this.#events = events;
    let failure: Error | undefined;
    try {
      this.#socket = new Socket({
        fd,
        readable: true,
        writable: false,
        onread: {
          buffer: readBuffer,
          callback: (length, buffer) => events.onData(buffer.subarray(0, length)),
        },
      });
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    this.#socket.on("error", (error) => {
      failure = error;
    });
    this.#socket.on("close", () => events.onEnd(failure));
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /**
   * Takes in what waits now, and ends if nobody has it open for writing any more: epoll does not tell of a hang-up that
   * was before this end was opened.
   */
  finish(): void {
    for (let round = 0; round < finishRounds && !this.#socket.destroyed; round++) {
      const length = readWaiting(this.#fd);
      if (length === undefined) return;
      if (length === 0) this.close();
      else this.#events.onData(readBuffer.subarray(0, length));
    }
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** More than a pipe can hold, and an end for a writer that never stops. */
const finishRounds = 32;

/** How much is in the buffer; 0 at the end, undefined when nothing waits and somebody may still write. */
function readWaiting(fd: number): number | undefined {
  try {
    return readSync(fd, readBuffer);
  } catch (error) {
    if (hasErrno(error, "EAGAIN")) return undefined;
    throw error;
  }
}
