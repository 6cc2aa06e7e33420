// SPDX-License-Identifier: Apache-2.0

import { cleanup, raceSignal } from "../../../base/lifetime.ts";

/**
 * The result of a call that the other side does not cancel: when the signal aborts, what the call makes must be there or
 * not be there before it can be undone, so its end is awaited, for as long as a clean-up may take.
 */
export async function uncancelled<T>(signal: AbortSignal, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const own = new AbortController();
  const result = call(own.signal);
  try {
    return await raceSignal(result, signal);
  } catch (error) {
    if (signal.aborted) {
      await cleanup((deadline) => raceSignal(result, deadline)).catch(() => {}); // its failure is as good as its end
      own.abort(error);
    }
    throw error;
  }
}
