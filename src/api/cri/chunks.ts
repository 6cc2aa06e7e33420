// SPDX-License-Identifier: Apache-2.0

/** So much fits in a message many times over, and is read in a millisecond or two. */
const chunkSize = 25;

/** The items in pieces; nothing for none. */
export function* inChunks<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += chunkSize) yield items.slice(start, start + chunkSize);
}
