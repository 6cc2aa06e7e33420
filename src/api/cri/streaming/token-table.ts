// SPDX-License-Identifier: Apache-2.0
// Tokens that stand for a request until a client comes with one: each is good once and for a short time. Who has a token
// may do what it stands for; there is no other check, so it has 256 random bits.

import { randomBytes } from "node:crypto";
import { EngineError } from "../../../base/errors.ts";

export interface TokenTableOptions {
  readonly lifetimeMs: number;
  /** How many may be unused at once. */
  readonly limit: number;
  /** Milliseconds that only go forward. */
  readonly now: () => number;
}

/** Requests by token. */
export class TokenTable<T> {
  readonly #options: TokenTableOptions;
  /** In the order of their expiry, since all live equally long. */
  readonly #entries = new Map<string, { readonly value: T; readonly expiry: number }>();

  constructor(options: TokenTableOptions) {
    this.#options = options;
  }

  /** A new token for the value; resource-exhausted when too many are unused. */
  issue(value: T): string {
    this.#dropExpired();
    if (this.#entries.size >= this.#options.limit)
      throw new EngineError("resource-exhausted", "maximum number of in-flight requests exceeded");
    const token = randomBytes(32).toString("base64url");
    this.#entries.set(token, { value, expiry: this.#options.now() + this.#options.lifetimeMs });
    return token;
  }

  /** The token's value, once; undefined when there is no such token or its time is over. */
  take(token: string): T | undefined {
    this.#dropExpired();
    const entry = this.#entries.get(token);
    this.#entries.delete(token);
    return entry?.value;
  }

  #dropExpired(): void {
    const now = this.#options.now();
    for (const [token, { expiry }] of this.#entries) {
      if (expiry > now) return;
      this.#entries.delete(token);
    }
  }
}
