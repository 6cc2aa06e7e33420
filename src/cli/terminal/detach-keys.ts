// SPDX-License-Identifier: Apache-2.0
// The key sequence that leaves a container without ending it. Keys go through a filter that holds back what may be the
// beginning of the sequence: broken off, it is released; complete, the session ends and nothing of it is sent.

import { invalidArgument } from "../../base/errors.ts";

/** What is used when neither a flag nor the configuration names another sequence. */
const defaultDetachKeys = "ctrl-p,ctrl-q";

const controlKeys = "@abcdefghijklmnopqrstuvwxyz[\\]^_";
const deleteKey = 127;

/** The bytes of "ctrl-p,ctrl-q", "ctrl-a,d", "DEL" or single characters; empty text is the default. */
export function parseDetachKeys(text: string): Uint8Array {
  return Uint8Array.from((text === "" ? defaultDetachKeys : text).split(","), (key) => {
    if (key === "DEL") return deleteKey;
    const control = /^ctrl-(.)$/.exec(key)?.[1];
    const code = control === undefined ? -1 : controlKeys.indexOf(control);
    if (code !== -1) return code;
    if (/^[!-~ ]$/.test(key)) return key.charCodeAt(0);
    throw invalidArgument(`invalid detach keys (${text}): unknown character: '${key}'`);
  });
}

/** What a chunk of input turns into. */
export interface DetachResult {
  /** The bytes to send now. */
  readonly data: Uint8Array;
  /** The sequence is complete; what was typed after it is dropped. */
  readonly detached: boolean;
}

/** Watches a stream of typed bytes for the sequence; one per session. */
export class DetachFilter {
  readonly #sequence: Uint8Array;
  /** The beginning of the sequence that was typed and not sent. */
  #held: number[] = [];

  constructor(sequence: Uint8Array) {
    this.#sequence = sequence;
  }

  /** Takes the next chunk. */
  push(chunk: Uint8Array): DetachResult {
    const data: number[] = [];
    for (const byte of chunk) {
      this.#held.push(byte);
      // What breaks a match may itself be part of the next one: release from the front until the rest fits.
      while (!this.#held.every((held, at) => held === this.#sequence[at])) data.push(...this.#held.splice(0, 1));
      if (this.#held.length > 0 && this.#held.length === this.#sequence.length)
        return { data: Uint8Array.from(data), detached: true };
    }
    return { data: Uint8Array.from(data), detached: false };
  }

  /** What is still held back at the end of the input, to be sent before the end. */
  flush(): Uint8Array {
    return Uint8Array.from(this.#held.splice(0));
  }
}
