// SPDX-License-Identifier: Apache-2.0
// Helpers for things that end. Clean-up never runs on the signal of the request that failed: it gets a fresh one with a
// deadline of its own.

import { EngineError } from "./errors.ts";

/** How long one clean-up step may take. */
export const cleanupDeadlineMs = 10_000;

/** Runs a clean-up step with a signal that aborts after ten seconds. */
export async function cleanup<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  return await work(deadlineSignal(cleanupDeadlineMs, "clean-up"));
}

/** Timers take no more (24.8 days): what is asked for beyond is as good as for ever. */
const longestTimerMs = 2 ** 31 - 1;

/** A signal that aborts with a coded deadline-exceeded error after so many milliseconds. */
export function deadlineSignal(milliseconds: number, what: string): AbortSignal {
  const controller = new AbortController();
  const timer = setTimeout(
    () => controller.abort(new EngineError("deadline-exceeded", `${what} took longer than ${milliseconds} ms`)),
    Math.min(milliseconds, longestTimerMs),
  );
  (timer as { unref?: () => void }).unref?.();
  return controller.signal;
}

/** Resolves after so many milliseconds, or rejects with the signal's reason. */
export async function delay(milliseconds: number, { signal }: { readonly signal: AbortSignal }): Promise<void> {
  signal.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(
      () => {
        signal.removeEventListener("abort", onAbort);
        resolve();
      },
      Math.min(milliseconds, longestTimerMs),
    );
    signal.addEventListener("abort", onAbort, { once: true });
  });
}

/** The promise's result, or the signal's reason if that comes first; the promise itself goes on, its failure unheard. */
export async function raceSignal<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason as Error);
  // An aborted signal takes part in the race all the same: there the promise's own failure counts as handled.
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([aborted, promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** Starts all the work; the first failure aborts the rest and is thrown, and nothing goes on after this has returned. */
export async function together(
  start: (signal: AbortSignal) => readonly Promise<unknown>[],
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  const controller = new AbortController();
  const work = start(AbortSignal.any([signal, controller.signal]));
  try {
    await Promise.all(work);
  } catch (error) {
    controller.abort(error);
    throw error;
  } finally {
    await Promise.allSettled(work);
  }
}

/** Background work with an owner: nothing runs on unobserved, and disposing waits for all of it. */
export class TaskGroup implements AsyncDisposable {
  readonly #running = new Set<Promise<void>>();
  readonly #controller = new AbortController();
  readonly #onError: (error: unknown, name: string) => void;

  constructor(onError: (error: unknown, name: string) => void) {
    this.#onError = onError;
  }

  /** Aborts when the group is disposed. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Starts the work; its failure goes to the group's error handler, but for the abort of the group itself. */
  run(name: string, work: (signal: AbortSignal) => Promise<void>): void {
    const promise = work(this.#controller.signal)
      .catch((error: unknown) => {
        if (!this.#controller.signal.aborted) this.#onError(error, name);
      })
      .finally(() => this.#running.delete(promise));
    this.#running.add(promise);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#controller.abort(new EngineError("cancelled", "the task group is closed"));
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
