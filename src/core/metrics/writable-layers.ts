// SPDX-License-Identifier: Apache-2.0
// What containers have written into their root file systems. Measuring walks a tree, so that a measure counts for a while
// and a new one is made beside the answer, never more than two at once.

import { hasCode } from "../../base/errors.ts";
import { delay, type TaskGroup } from "../../base/lifetime.ts";
import type { Snapshotter, SnapshotUsage } from "../snapshots/snapshotter.ts";
import { Slots } from "../transfer/slots.ts";

export interface MeasuredUsage extends SnapshotUsage {
  /** Milliseconds since 1970. */
  readonly measuredAt: number;
}

export interface WritableLayersDependencies {
  readonly snapshotter: Pick<Snapshotter, "usage">;
  /** Measuring goes on in it when nobody waits any more. */
  readonly background: TaskGroup;
}

/** How old a measure may be before another one is made. */
const freshMs = 10_000;
/** How long an answer waits for layers that nobody has measured yet. */
const patienceMs = 500;
/** A layer that nobody asks for is forgotten. */
const forgetMs = 5 * 60_000;
const mostAtOnce = 2;

interface Layer {
  usage?: MeasuredUsage;
  measuring?: Promise<void>;
  askedAt: number;
}

/** The writable layers of running containers, by their snapshots' keys. */
export class WritableLayers {
  readonly #dependencies: WritableLayersDependencies;
  readonly #layers = new Map<string, Layer>();
  readonly #slots = new Slots(mostAtOnce);

  constructor(dependencies: WritableLayersDependencies) {
    this.#dependencies = dependencies;
  }

  /** The last measures; one that takes too long the first time is left out, and there later. */
  async usages(
    keys: readonly string[],
    { signal }: { readonly signal: AbortSignal },
  ): Promise<ReadonlyMap<string, MeasuredUsage>> {
    const now = Date.now();
    this.#forget(now);
    const layers = new Map(keys.map((key) => [key, this.#layerAt(key, now)]));
    const first: Promise<void>[] = [];
    for (const [key, layer] of layers) {
      if (layer.measuring === undefined && !isFresh(layer.usage, now)) this.#measure(key, layer);
      if (layer.usage === undefined && layer.measuring !== undefined) first.push(layer.measuring);
    }
    await waitFor(first, { signal });
    return new Map(
      Array.from(layers).flatMap(([key, { usage }]) => (usage === undefined ? [] : [[key, usage] as const])),
    );
  }

  #layerAt(key: string, now: number): Layer {
    const layer: Layer = this.#layers.get(key) ?? { askedAt: now };
    layer.askedAt = now;
    this.#layers.set(key, layer);
    return layer;
  }

  #forget(now: number): void {
    for (const [key, { askedAt, measuring }] of this.#layers) {
      if (measuring === undefined && now - askedAt > forgetMs) this.#layers.delete(key);
    }
  }

  #measure(key: string, layer: Layer): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    layer.measuring = promise;
    const { background, snapshotter } = this.#dependencies;
    background.run(`measure snapshot ${key}`, async (signal) => {
      try {
        using _slot = await this.#slots.acquire({ signal });
        const usage = await snapshotter.usage(key, { signal });
        layer.usage = { ...usage, measuredAt: Date.now() };
      } catch (error) {
        // Its container may have been removed meanwhile.
        if (!hasCode(error, "not-found")) throw error;
      } finally {
        delete layer.measuring;
        resolve();
      }
    });
  }
}

/** A clock that was set back makes all measures old. */
function isFresh(usage: MeasuredUsage | undefined, now: number): boolean {
  return usage !== undefined && usage.measuredAt <= now && now - usage.measuredAt < freshMs;
}

/** Until all are done, or patience is over. */
async function waitFor(work: readonly Promise<void>[], { signal }: { readonly signal: AbortSignal }): Promise<void> {
  if (work.length === 0) return;
  const finished = new AbortController();
  const patience = delay(patienceMs, { signal: AbortSignal.any([signal, finished.signal]) });
  try {
    await Promise.race([Promise.all(work), patience]);
  } finally {
    finished.abort();
    await patience.catch(() => {}); // the call's own abort has been thrown already
  }
}
