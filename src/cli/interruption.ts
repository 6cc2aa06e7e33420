// SPDX-License-Identifier: Apache-2.0
// SIGINT, SIGTERM and SIGHUP end a command: its calls are aborted, it may tidy up for a moment, and the exit code is
// 128 and the signal's number. A second signal ends it at once.

import { constants } from "node:os";
import process from "node:process";
import { signalExit } from "./format/exit-codes.ts";

const endingSignals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const graceMs = 1000;

export class Interruption {
  readonly #controller = new AbortController();
  readonly #graceOver = Promise.withResolvers<number>();
  readonly #listener = (name: NodeJS.Signals) => this.#interrupt(signalExit(constants.signals[name]));
  /** Set when a signal came. */
  exitCode: number | undefined;

  constructor() {
    this.#listen();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Resolves with the exit code when the command had its time to tidy up after a signal. */
  get graceOver(): Promise<number> {
    return this.#graceOver.promise;
  }

  /** Signals are somebody else's business until this is disposed of. */
  takeSignals(): Disposable {
    for (const name of endingSignals) process.off(name, this.#listener);
    return { [Symbol.dispose]: () => this.#listen() };
  }

  #listen(): void {
    for (const name of endingSignals) process.on(name, this.#listener);
  }

  #interrupt(exitCode: number): void {
    if (this.exitCode !== undefined) process.exit(exitCode);
    this.exitCode = exitCode;
    setTimeout(() => this.#graceOver.resolve(exitCode), graceMs).unref();
    this.#controller.abort();
  }
}
