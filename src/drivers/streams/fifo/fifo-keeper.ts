// SPDX-License-Identifier: Apache-2.0
// The daemon's side of native/keeper: a small program that has the output FIFOs open too, so that what waits in them is
// still there when the container has ended and the daemon that was to read it was killed.

import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { EngineError, internal, messageOf, unavailable } from "../../../base/errors.ts";
import { deadlineSignal, delay, raceSignal } from "../../../base/lifetime.ts";
import type { Logger } from "../../../base/log.ts";
import { runProgram } from "../../../linux/process/run-program.ts";

export interface FifoKeeperOptions {
  /** build/native/berth-keeper. */
  readonly program: string;
  /** Its socket, the same after a restart. */
  readonly socket: string;
  readonly logger: Logger;
}

const startDeadlineMs = 5_000;

/** One for each daemon; disposing ends the program if it holds nothing. */
export class FifoKeeper implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #logger: Logger;
  /** Those who wait for an answer, in the order of their requests. */
  readonly #waiting: { readonly resolve: (answer: string) => void; readonly reject: (error: Error) => void }[] = [];

  private constructor(socket: Socket, logger: Logger) {
    this.#socket = socket;
    this.#logger = logger;
    createInterface({ input: socket }).on("line", (line) => this.#waiting.shift()?.resolve(line));
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#fail());
  }

  /** Connects to the keeper that an earlier daemon left, or starts one. */
  static async open(options: FifoKeeperOptions, { signal }: { readonly signal: AbortSignal }): Promise<FifoKeeper> {
    const socket = (await tryConnect(options.socket)) ?? (await start(options, signal));
    const keeper = new FifoKeeper(socket, options.logger);
    try {
      // It serves one client at a time: that of a daemon that is gone has closed its connection.
      const deadline = deadlineSignal(startDeadlineMs, "asking the keeper of container output");
      await raceSignal(keeper.#request("sweep"), AbortSignal.any([signal, deadline]));
      return keeper;
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  /** The FIFOs stay as they are until they are dropped. */
  async hold(fifos: readonly string[]): Promise<void> {
    await Promise.all(fifos.map(async (fifo) => await this.#request(`hold ${fifo}`)));
  }

  /** The FIFO, or all of a directory. A keeper that is gone holds nothing. */
  async drop(path: string): Promise<void> {
    await this.#request(`drop ${path}`).catch((error: unknown) => this.#warn(error));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#request("end").catch((error: unknown) => this.#warn(error));
    this.#socket.destroy();
  }

  async #request(line: string): Promise<void> {
    if (this.#socket.destroyed) throw unavailable("the keeper of container output is gone");
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    this.#waiting.push({ resolve, reject });
    this.#socket.write(`${line}\n`);
    const answer = await promise;
    if (answer === "ok" || answer === "busy") return;
    throw internal(`the keeper of container output cannot ${line}: ${answer}`);
  }

  #fail(cause?: Error): void {
    this.#socket.destroy();
    const error = unavailable("the keeper of container output is gone", cause);
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  #warn(error: unknown): void {
    this.#logger.warn({ err: error }, messageOf(error));
  }
}

/** undefined when nobody listens. */
async function tryConnect(path: string): Promise<Socket | undefined> {
  const socket = connect(path);
  return await new Promise((resolve) => {
    socket.once("connect", () => {
      socket.removeAllListeners("error");
      resolve(socket);
    });
    socket.once("error", () => resolve(undefined));
  });
}

async function start({ program, socket }: FifoKeeperOptions, signal: AbortSignal): Promise<Socket> {
  // It goes into the background once it listens.
  const { status, stderr } = await runProgram(
    { file: program, parameters: [socket], environment: {}, timeoutMs: startDeadlineMs },
    { signal },
  );
  if (status !== 0) throw new EngineError("internal", `${program} did not start: ${stderr.toString().trim()}`);
  for (const deadline = Date.now() + startDeadlineMs; ; ) {
    const connected = await tryConnect(socket);
    if (connected !== undefined) return connected;
    if (Date.now() > deadline) throw unavailable(`${program} does not answer on ${socket}`);
    await delay(5, { signal });
  }
}
