// SPDX-License-Identifier: Apache-2.0
// --filter key=value, given any number of times.

import { invalidArgument } from "../../base/errors.ts";

/** The values that were given for each key. */
export type Filters = ReadonlyMap<string, ReadonlySet<string>>;

/** Reads the flag's values: keys are case-insensitive, an empty one says nothing, one without "=" is refused. */
export function parseFilters(values: readonly string[]): Filters {
  const filters = new Map<string, Set<string>>();
  for (const value of values) {
    if (value === "") continue;
    const equals = value.indexOf("=");
    if (equals === -1)
      throw invalidArgument(
        `invalid argument ${JSON.stringify(value)} for "-f, --filter" flag: bad format of filter (expected name=value)`,
      );
    const key = value.slice(0, equals).trim().toLowerCase();
    const set = filters.get(key) ?? new Set();
    filters.set(key, set.add(value.slice(equals + 1).trim()));
  }
  return filters;
}
