// SPDX-License-Identifier: Apache-2.0
// What all snapshots take together: committed ones (images) by what was recorded when they were made, writable ones by
// measuring them, which is remembered for a while because it walks their directories.

import { hasCode } from "../../base/errors.ts";
import { KeyedLock } from "../../base/keyed-lock.ts";
import type { Snapshotter, SnapshotUsage } from "./snapshotter.ts";

export interface SnapshotTotals {
  /** The layers of images. */
  readonly committed: SnapshotUsage;
  /** The layers of containers: active snapshots and views. */
  readonly writable: SnapshotUsage;
  /** Milliseconds since 1970: of the oldest measurement that is in it. */
  readonly measuredAt: number;
}

export interface SnapshotTotalsDeps {
  readonly snapshotter: Snapshotter;
  /** How old the measurement of a writable snapshot may be; 10 seconds by default. */
  readonly maximumAgeMs?: number;
}

interface Measurement {
  readonly usage: SnapshotUsage;
  readonly at: number;
}

/** Adds up; concurrent callers share one round of measuring. */
export class SnapshotTotalsReader {
  readonly #snapshotter: Snapshotter;
  readonly #maximumAgeMs: number;
  readonly #lock = new KeyedLock();
  #measured: ReadonlyMap<string, Measurement> = new Map();

  constructor({ snapshotter, maximumAgeMs }: SnapshotTotalsDeps) {
    this.#snapshotter = snapshotter;
    this.#maximumAgeMs = maximumAgeMs ?? 10_000;
  }

  async read({ signal }: { readonly signal: AbortSignal }): Promise<SnapshotTotals> {
    using _turn = await this.#lock.acquire("measure", { signal });
    const now = Date.now();
    const measured = new Map<string, Measurement>();
    const [committed, writable]: [SnapshotUsage[], SnapshotUsage[]] = [[], []];
    for (const { key, kind, usage: recorded } of Array.from(this.#snapshotter.walk())) {
      const measurement = recorded === undefined ? await this.#measure(key, now, signal) : undefined;
      if (measurement !== undefined) measured.set(key, measurement);
      const usage = recorded ?? measurement?.usage;
      if (usage !== undefined) (kind === "committed" ? committed : writable).push(usage);
    }
    // Those of snapshots that are gone are forgotten with the old map.
    this.#measured = measured;
    const measuredAt = Math.min(now, ...Array.from(measured.values(), ({ at }) => at));
    return { committed: sum(committed), writable: sum(writable), measuredAt };
  }

  /** undefined when the snapshot is gone meanwhile. */
  async #measure(key: string, now: number, signal: AbortSignal): Promise<Measurement | undefined> {
    const known = this.#measured.get(key);
    if (known !== undefined && now - known.at < this.#maximumAgeMs) return known;
    try {
      return { usage: await this.#snapshotter.usage(key, { signal }), at: now };
    } catch (error) {
      if (hasCode(error, "not-found")) return undefined;
      throw error;
    }
  }
}

function sum(usages: readonly SnapshotUsage[]): SnapshotUsage {
  let [bytes, inodes] = [0, 0];
  for (const usage of usages) {
    bytes += usage.bytes;
    inodes += usage.inodes;
  }
  return { bytes, inodes };
}
