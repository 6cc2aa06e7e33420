// SPDX-License-Identifier: Apache-2.0
// Ends a pull whose registry sends nothing any more. The clock runs only while something is asked of the registry: a pull
// that waits for another one, or unpacks, is not late. Every byte of any of its blobs counts for the whole pull.

import { unavailable } from "../../base/errors.ts";
import type { RegistryReader } from "./registry.ts";

export interface StallGuardOptions {
  /** Of the pull. */
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** The registry's name in the message. */
  readonly domain: string;
}

/** Owned by the pull; disposing stops the clock. */
export class StallGuard implements Disposable {
  /** Aborts with the pull's signal, and with unavailable when the registry is silent for too long. */
  readonly signal: AbortSignal;
  readonly #controller = new AbortController();
  readonly #timeoutMs: number;
  readonly #domain: string;
  #timer: NodeJS.Timeout;
  /** Calls that the registry has not answered yet. */
  #waiting = 0;
  #lastActivity = performance.now();

  constructor({ signal, timeoutMs, domain }: StallGuardOptions) {
    this.signal = AbortSignal.any([signal, this.#controller.signal]);
    this.#timeoutMs = timeoutMs;
    this.#domain = domain;
    this.#timer = this.#arm(timeoutMs);
  }

  /** The registry, watched. */
  watch(registry: RegistryReader): RegistryReader {
    return {
      resolve: async (...call) => await this.#during(registry.resolve(...call)),
      fetchManifest: async (...call) => await this.#during(registry.fetchManifest(...call)),
      openBlob: (...call) => this.#chunks(registry.openBlob(...call)),
    };
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  async *#chunks(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const iterator = source[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await this.#during(iterator.next());
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      await iterator.return?.();
    }
  }

  async #during<T>(answer: Promise<T>): Promise<T> {
    if (this.#waiting++ === 0) this.#lastActivity = performance.now();
    try {
      return await answer;
    } finally {
      this.#waiting--;
      this.#lastActivity = performance.now();
    }
  }

  #arm(milliseconds: number): NodeJS.Timeout {
    return setTimeout(() => this.#check(), milliseconds).unref();
  }

  #check(): void {
    const silence = this.#waiting === 0 ? 0 : performance.now() - this.#lastActivity;
    if (silence < this.#timeoutMs) {
      this.#timer = this.#arm(this.#timeoutMs - silence);
      return;
    }
    const seconds = this.#timeoutMs / 1000;
    this.#controller.abort(unavailable(`registry ${this.#domain}: nothing came for ${seconds} seconds`));
  }
}
