// SPDX-License-Identifier: Apache-2.0
// Events: facts in the past tense, told after the change they tell of is committed.
//
// Each event gets the time of its publication, strictly after that of the one before. A reader sees everything from its
// subscription on, and, when it asks for an earlier time, what the bus still remembers of that: the last 256 events.
// Events are not kept over a restart.

import { Broadcast, type Subscription } from "../../base/broadcast.ts";

/** What kind of object an event is about. */
export type EventType = "container" | "image" | "network" | "volume" | "sandbox" | "daemon";

/** A fact, told after it is on disk. */
export interface EngineEvent {
  readonly type: EventType;
  /**
   * Docker's word for it: create, start, die, oom, kill, stop, destroy, exec_create, pull, tag, mount, …; Docker has none
   * for the beginning of a pull (pull-start) and for one that failed (pull-fail, with the attribute error).
   */
  readonly action: string;
  /** The object it happened to. */
  readonly id: string;
  /** image, name, exitCode, labels, … */
  readonly attributes: Readonly<Record<string, string>>;
  /** Nanoseconds since 1970; strictly increasing. */
  readonly timeNano: bigint;
}

/** Which events a reader wants; times in nanoseconds since 1970, both inclusive. */
export interface EventRange {
  /** Replays remembered events from then on before the live ones. */
  readonly since?: bigint;
  /** Ends the stream when this time has passed. */
  readonly until?: bigint;
  /** Ends the stream without an error. */
  readonly signal: AbortSignal;
}

const rememberedEvents = 256;
const nanosecondsPerMillisecond = 1_000_000n;
const longestTimerMs = 2 ** 31 - 1;

/** Tells everybody who subscribed what has happened, and keeps the last ones for those who come later. */
export class EventBus {
  readonly #broadcast = new Broadcast<EngineEvent>();
  readonly #remembered: EngineEvent[] = [];
  #lastTime = 0n;

  publish(event: Omit<EngineEvent, "timeNano">): void {
    const now = BigInt(Date.now()) * nanosecondsPerMillisecond;
    this.#lastTime = now > this.#lastTime ? now : this.#lastTime + 1n;
    const timed: EngineEvent = { ...event, timeNano: this.#lastTime };
    this.#remembered.push(timed);
    if (this.#remembered.length > rememberedEvents) this.#remembered.shift();
    this.#broadcast.publish(timed);
  }

  /** Registers at once, before the first event is asked for. A reader 65536 events behind ends with resource-exhausted. */
  subscribe({ since, until, signal }: EventRange): AsyncIterable<EngineEvent> {
    // The copy and the subscription happen in one turn: no event is between them, and none is in both.
    const replay = since === undefined ? [] : this.#remembered.filter(({ timeNano }) => timeNano >= since);
    return iterate(replay, this.#broadcast.subscribe({ signal }), { until, signal });
  }

  /** Ends every stream after what it still has to give. */
  close(): void {
    this.#broadcast.close();
  }
}

async function* iterate(
  replay: readonly EngineEvent[],
  live: Subscription<EngineEvent>,
  { until, signal }: { readonly until: bigint | undefined; readonly signal: AbortSignal },
): AsyncGenerator<EngineEvent> {
  using _timer = until === undefined ? undefined : atTime(until, () => live.finish());
  try {
    for (const event of replay) {
      if (signal.aborted || (until !== undefined && event.timeNano > until)) return;
      yield event;
    }
    for await (const event of live) {
      if (until !== undefined && event.timeNano > until) return;
      yield event;
    }
  } finally {
    await live.return?.();
  }
}

/** Calls back when the wall clock has passed this time, also when that is further away than a timer can be set. */
function atTime(timeNano: bigint, callback: () => void): Disposable {
  const deadline = Number(timeNano / nanosecondsPerMillisecond) + 1;
  let timer: NodeJS.Timeout | undefined;
  const arm = () => {
    const left = deadline - Date.now();
    if (left <= 0) callback();
    else timer = setTimeout(arm, Math.min(left, longestTimerMs));
  };
  arm();
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}
