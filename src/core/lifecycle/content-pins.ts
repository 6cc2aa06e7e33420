// SPDX-License-Identifier: Apache-2.0
// Content that must not be collected while a container is being made of it: until its record is there, nothing on disk
// says that it is needed. In memory is enough, because a creation ends with its daemon.

import type { Digest } from "../../base/digest.ts";

export class ContentPins {
  readonly #counts = new Map<Digest, number>();

  /** Dispose the result to let go. */
  add(digest: Digest): Disposable {
    this.#counts.set(digest, (this.#counts.get(digest) ?? 0) + 1);
    return {
      [Symbol.dispose]: () => {
        const left = (this.#counts.get(digest) ?? 1) - 1;
        if (left === 0) this.#counts.delete(digest);
        else this.#counts.set(digest, left);
      },
    };
  }

  digests(): Iterable<Digest> {
    return this.#counts.keys();
  }
}
