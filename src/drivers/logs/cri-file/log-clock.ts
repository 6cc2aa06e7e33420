// SPDX-License-Identifier: Apache-2.0
// Timestamps of log lines: UTC, always nine digits of fraction, so that they sort as text. Two lines of one file never
// have the same one, as far as the wall clock lets us: readers that go on from the last timestamp neither lose nor
// repeat a line.

/** Length of 2026-01-02T03:04:05.123456789Z. */
export const timestampLength = 30;

const nanosecondsPerSecond = 1_000_000_000;
const fractionStart = 20;
const fractionEnd = 29;
const digitZero = 0x30;
/** The wall clock was set when it differs by more than this from what the steady clock says. */
const driftLimit = 2_000_000;

/** Gives the moment a chunk of output arrived, and one nanosecond more for each line in it. */
export class LogClock {
  readonly #text = Buffer.alloc(timestampLength);
  #seconds = -1;
  #nanoseconds = 0;
  #anchorWall = 0;
  #anchorSteady = 0n;

  /** The bytes of the current timestamp; overwritten by tick and advance. */
  get text(): Buffer {
    return this.#text;
  }

  /** Sets the timestamp to now. */
  tick(): void {
    const wall = Date.now();
    const steady = process.hrtime.bigint();
    let elapsed = Number(steady - this.#anchorSteady);
    const drift = (this.#anchorWall - wall) * 1e6 + elapsed;
    if (drift < -driftLimit || drift > driftLimit || this.#anchorWall === 0) {
      this.#anchorWall = wall;
      this.#anchorSteady = steady;
      elapsed = 0;
    }
    let seconds = Math.floor(this.#anchorWall / 1000);
    let nanoseconds = (this.#anchorWall % 1000) * 1e6 + elapsed;
    seconds += Math.floor(nanoseconds / nanosecondsPerSecond);
    nanoseconds %= nanosecondsPerSecond;
    const behind = (this.#seconds - seconds) * nanosecondsPerSecond + this.#nanoseconds - nanoseconds;
    if (behind >= 0 && behind < driftLimit) return;
    this.#set(seconds, nanoseconds);
  }

  /** One nanosecond later. */
  advance(): void {
    if (++this.#nanoseconds === nanosecondsPerSecond) {
      this.#set(this.#seconds + 1, 0);
      return;
    }
    for (let at = fractionEnd - 1; at >= fractionStart; at--) {
      const digit = (this.#text[at] ?? 0) + 1;
      if (digit <= digitZero + 9) {
        this.#text[at] = digit;
        return;
      }
      this.#text[at] = digitZero;
    }
  }

  #set(seconds: number, nanoseconds: number): void {
    if (seconds !== this.#seconds) {
      this.#text.write(new Date(seconds * 1000).toISOString().slice(0, fractionStart), 0, "latin1");
      this.#text.write("Z", fractionEnd, "latin1");
    }
    this.#seconds = seconds;
    this.#nanoseconds = nanoseconds;
    this.#text.write(String(nanoseconds).padStart(9, "0"), fractionStart, "latin1");
  }
}
