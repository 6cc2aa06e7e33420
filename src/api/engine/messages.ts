// SPDX-License-Identifier: Apache-2.0
// Small conversions between the engine's values and protobuf's.

import { type Timestamp, timestampFromMs } from "@bufbuild/protobuf/wkt";

/** Milliseconds since 1970 as a timestamp; absent stays absent. */
export function timestamp(milliseconds: number | undefined): { timestamp?: Timestamp } {
  return milliseconds === undefined ? {} : { timestamp: timestampFromMs(milliseconds) };
}

/** Filters as a map, from their message. */
export function filtersOf(
  message: Readonly<Record<string, { readonly values: readonly string[] }>>,
): Map<string, readonly string[]> {
  return new Map(Object.entries(message).map(([key, { values }]) => [key, values]));
}
