// SPDX-License-Identifier: Apache-2.0
// The pulls that run now, for whoever wants to look on: a pull of the kubelet, of a command, of a program. Looking on
// keeps no pull alive and slows none down.

import { Broadcast } from "../../base/broadcast.ts";
import { type EngineError, toEngineError } from "../../base/errors.ts";
import type { OnProgress, TransferProgress } from "./progress.ts";

export interface RunningPull {
  /** Unique while the daemon runs. */
  readonly id: string;
  /** The name under which the image will be recorded: normalised, with a tag or a digest. */
  readonly reference: string;
  /** linux/amd64 and the like. */
  readonly platform: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
}

/** What happens to a pull; the last is always "ended". */
export type PullNews =
  | { readonly kind: "started"; readonly pull: RunningPull }
  | { readonly kind: "progress"; readonly pull: RunningPull; readonly progress: TransferProgress }
  | { readonly kind: "ended"; readonly pull: RunningPull; readonly failure?: EngineError };

export interface WatchOptions {
  /** Only pulls of this recorded name. */
  readonly reference?: string | undefined;
  /** Ends after what runs now has been told of. */
  readonly once?: boolean;
  /** Ends the stream without an error. */
  readonly signal: AbortSignal;
}

interface Tracked {
  readonly pull: RunningPull;
  /** The latest word on each id, for those who come later. */
  readonly latest: Map<string, TransferProgress>;
}

/** Knows of every pull while it runs. */
export class RunningPulls {
  readonly #running = new Map<string, Tracked>();
  readonly #news = new Broadcast<PullNews>();
  #lastId = 0;

  /** Runs the work as a pull that can be watched; onProgress hears the same as those who watch. */
  async track<R>(
    subject: Pick<RunningPull, "reference" | "platform">,
    onProgress: OnProgress,
    work: (onProgress: OnProgress) => Promise<R>,
  ): Promise<R> {
    const pull: RunningPull = { id: String(++this.#lastId), ...subject, startedAt: Date.now() };
    const latest = new Map<string, TransferProgress>();
    this.#running.set(pull.id, { pull, latest });
    this.#news.publish({ kind: "started", pull });
    let failure: EngineError | undefined;
    try {
      return await work((progress) => {
        if (progress.id !== undefined) latest.set(progress.id, progress);
        onProgress(progress);
        this.#news.publish({ kind: "progress", pull, progress });
      });
    } catch (error) {
      failure = toEngineError(error);
      throw error;
    } finally {
      this.#running.delete(pull.id);
      this.#news.publish({ kind: "ended", pull, ...(failure !== undefined && { failure }) });
    }
  }

  /** Oldest first. */
  list(): readonly RunningPull[] {
    return Array.from(this.#running.values(), ({ pull }) => pull);
  }

  /** Tells of what runs now with its latest progress, then of what happens, and ends when no such pull runs any more. */
  async *watch({ reference, once = false, signal }: WatchOptions): AsyncGenerator<PullNews, void> {
    const isWanted = (pull: RunningPull) => reference === undefined || pull.reference === reference;
    // Subscribed in the turn in which the running ones are copied: nothing is between, and nothing comes twice.
    const news = this.#news.subscribe({ signal });
    const replay: PullNews[] = [];
    const open = new Set<string>();
    for (const { pull, latest } of this.#running.values()) {
      if (!isWanted(pull)) continue;
      open.add(pull.id);
      replay.push({ kind: "started", pull });
      for (const progress of latest.values()) replay.push({ kind: "progress", pull, progress });
    }
    try {
      yield* replay;
      while (open.size > 0 && !once) {
        const { done, value } = await news.next();
        if (done === true) return;
        if (!isWanted(value.pull)) continue;
        if (value.kind === "started") open.add(value.pull.id);
        if (value.kind === "ended") open.delete(value.pull.id);
        yield value;
      }
    } finally {
      await news.return?.();
    }
  }
}
