// SPDX-License-Identifier: Apache-2.0
// The writing end of a process's standard input. It is opened for reading too, since a FIFO without a reader cannot be
// opened for writing without blocking; so a process that went away never breaks the pipe, and its owner must close this.

import { closeSync, constants, openSync } from "node:fs";
import { Socket } from "node:net";
import { failedPrecondition } from "../../../base/errors.ts";
import { raceSignal } from "../../../base/lifetime.ts";

/** Owned by the process's streams. */
export class InputFifo {
  readonly #socket: Socket;
  readonly #pending = new Set<(error: Error) => void>();
  #open = true;

  constructor(path: string) {
    const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    try {
      this.#socket = new Socket({ fd, readable: false, writable: true });
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    this.#socket.on("error", (error) => this.#refusePending(error));
    this.#socket.on("close", () => {
      this.#open = false;
      this.#refusePending();
    });
  }

  /** Resolves when the FIFO has taken all of it; what is queued when the signal aborts is still written. */
  async write(data: Uint8Array, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    if (!this.#open) throw closedError();
    await raceSignal(
      new Promise<void>((resolve, reject) => {
        this.#pending.add(reject);
        this.#socket.write(data, (error) => {
          this.#pending.delete(reject);
          if (error) reject(closedError(error));
          else resolve();
        });
      }),
      signal,
    );
  }

  /** Closes after what was written before; later writes are failed-precondition. */
  async end(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#socket.once("close", () => resolve());
    this.#socket.end();
    await promise;
  }

  /** Closes now; writes that still wait are failed-precondition. */
  close(): void {
    this.#open = false;
    this.#socket.destroy();
  }

  #refusePending(cause?: Error): void {
    for (const reject of this.#pending) reject(closedError(cause));
    this.#pending.clear();
  }
}

function closedError(cause?: unknown): Error {
  return failedPrecondition("standard input of the process is closed", cause);
}
