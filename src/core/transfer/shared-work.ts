// SPDX-License-Identifier: Apache-2.0
// Work that several callers want at the same time is done once. Each may leave by its own signal; when the last has
// left, the work itself is aborted, and that last one waits until it has wound up.

import { cancelled } from "../../base/errors.ts";
import { raceSignal } from "../../base/lifetime.ts";
import type { OnProgress, TransferProgress } from "./progress.ts";

export interface ShareOptions {
  readonly signal: AbortSignal;
  readonly onProgress?: OnProgress | undefined;
}

/** What the work itself is given: aborted when nobody wants it any more, heard by everyone who does. */
export interface SharedOptions {
  readonly signal: AbortSignal;
  readonly onProgress: OnProgress;
}

interface Work<R> {
  readonly promise: Promise<R>;
  readonly controller: AbortController;
  readonly listeners: Set<OnProgress>;
  /** The latest word on each id, for those who come later. */
  readonly latest: Map<string, TransferProgress>;
  members: number;
}

/** Work under a key that goes on once for everybody who wants it at the same time. */
export class SharedWork<R> {
  readonly #running = new Map<string, Work<R>>();

  /** Joins the work under the key, or starts it. */
  async run(
    key: string,
    start: (options: SharedOptions) => Promise<R>,
    { signal, onProgress }: ShareOptions,
  ): Promise<R> {
    signal.throwIfAborted();
    const work = this.#running.get(key) ?? this.#start(key, start);
    const listener: OnProgress = (progress) => onProgress?.(progress);
    for (const progress of work.latest.values()) listener(progress);
    work.listeners.add(listener);
    work.members++;
    try {
      return await raceSignal(work.promise, signal);
    } finally {
      work.listeners.delete(listener);
      work.members--;
      if (work.members === 0) await this.#end(key, work);
    }
  }

  #start(key: string, start: (options: SharedOptions) => Promise<R>): Work<R> {
    const controller = new AbortController();
    const listeners = new Set<OnProgress>();
    const latest = new Map<string, TransferProgress>();
    const onProgress: OnProgress = (progress) => {
      if (progress.id !== undefined) latest.set(progress.id, progress);
      for (const listener of listeners) listener(progress);
    };
    // Started in a later turn, so that whoever starts it hears everything.
    const promise = Promise.resolve().then(async () => await start({ signal: controller.signal, onProgress }));
    const work = { promise, controller, listeners, latest, members: 0 };
    this.#running.set(key, work);
    return work;
  }

  async #end(key: string, work: Work<R>): Promise<void> {
    if (this.#running.get(key) === work) this.#running.delete(key);
    work.controller.abort(cancelled());
    // Its result has gone to those who waited for it; here only its end counts.
    await Promise.allSettled([work.promise]);
  }
}
