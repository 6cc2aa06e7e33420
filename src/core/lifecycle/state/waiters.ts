// SPDX-License-Identifier: Apache-2.0
// Those who wait for a container to end or to be removed. A waiter registers at once and misses nothing after that.

import type { ContainerId } from "../../../base/ids.ts";
import { raceSignal } from "../../../base/lifetime.ts";

/** How a run ended, as docker wait tells it. */
export interface ContainerExit {
  readonly exitCode: number;
  readonly error: string;
}

type Moment = "exit" | "removal";

interface Waiter {
  readonly moment: Moment;
  readonly resolve: (exit: ContainerExit) => void;
}

/** Who waits for which container. */
export class Waiters {
  readonly #waiters = new Map<ContainerId, Set<Waiter>>();

  /** Resolves with the next exit (or the removal) of the container. */
  async next(id: ContainerId, moment: Moment, { signal }: { readonly signal: AbortSignal }): Promise<ContainerExit> {
    const { promise, resolve } = Promise.withResolvers<ContainerExit>();
    const waiter: Waiter = { moment, resolve };
    const waiters = this.#waiters.get(id) ?? new Set();
    this.#waiters.set(id, waiters);
    waiters.add(waiter);
    try {
      return await raceSignal(promise, signal);
    } finally {
      waiters.delete(waiter);
      if (waiters.size === 0 && this.#waiters.get(id) === waiters) this.#waiters.delete(id);
    }
  }

  notify(id: ContainerId, moment: Moment, exit: ContainerExit): void {
    for (const waiter of this.#waiters.get(id) ?? []) {
      if (waiter.moment === moment) waiter.resolve(exit);
    }
  }
}
