// SPDX-License-Identifier: Apache-2.0
// How much of the processors something uses now, from what it has used in all. Nothing runs between calls: a rate comes
// of two of the readings that callers made anyway, and one that nobody asks for is forgotten.

interface Reading {
  readonly usageNanoseconds: bigint;
  /** Milliseconds of a clock that never jumps. */
  readonly at: number;
}

interface History {
  /** Tells one life of a counter from the next. */
  readonly epoch: number;
  /** At least shortestSpanMs before the latest. */
  readonly earlier?: Reading;
  readonly latest: Reading;
}

/** Over less, a rate says more about the clock than about the container. */
const shortestSpanMs = 1000;
/** Over more, it is not about now. */
const longestSpanMs = 5 * 60_000;

/** Rates of containers and pods by their ids. */
export class CpuRates {
  readonly #histories = new Map<string, History>();
  readonly #now: () => number;
  #prunedAt = 0;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /**
   * Takes a reading, and gives nanoseconds of processor time a second since the last one that is a second old or more;
   * undefined when there is none. The epoch is when the counter began.
   */
  observe(id: string, epoch: number, usageNanoseconds: bigint): bigint | undefined {
    const reading = { usageNanoseconds, at: this.#now() };
    this.#prune(reading.at);
    const known = this.#histories.get(id);
    if (known === undefined || known.epoch !== epoch || isUnusable(known.latest, reading)) {
      this.#histories.set(id, { epoch, latest: reading });
      return undefined;
    }
    const { earlier, latest } = known;
    if (reading.at - latest.at < shortestSpanMs) return earlier === undefined ? undefined : rate(earlier, reading);
    this.#histories.set(id, { epoch, earlier: latest, latest: reading });
    return rate(latest, reading);
  }

  /** Forgets whom nobody asked about for long. */
  #prune(now: number): void {
    if (now - this.#prunedAt < shortestSpanMs) return;
    this.#prunedAt = now;
    for (const [id, { latest }] of this.#histories) {
      if (now - latest.at > longestSpanMs) this.#histories.delete(id);
    }
  }
}

/** The counter has begun anew, or was last read too long ago. */
function isUnusable(earlier: Reading, later: Reading): boolean {
  return later.usageNanoseconds < earlier.usageNanoseconds || later.at - earlier.at > longestSpanMs;
}

function rate(earlier: Reading, later: Reading): bigint {
  const nanoseconds = Number(later.usageNanoseconds - earlier.usageNanoseconds);
  return BigInt(Math.round((nanoseconds / (later.at - earlier.at)) * 1000));
}
