// SPDX-License-Identifier: Apache-2.0

import type { CallOptions as ConnectCallOptions } from "@connectrpc/connect";

/** The responses of a streaming call; a reader that leaves early ends the call, which Connect's client does not do. */
export async function* responsesOf<T>(
  signal: AbortSignal | undefined,
  start: (options: ConnectCallOptions) => AsyncIterable<T>,
): AsyncGenerator<T> {
  const left = new AbortController();
  try {
    yield* start({ signal: signal === undefined ? left.signal : AbortSignal.any([signal, left.signal]) });
  } finally {
    left.abort();
  }
}
