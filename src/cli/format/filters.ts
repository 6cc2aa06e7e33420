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

/** Refuses the first key that the command does not know. */
export function checkFilters(filters: Filters, known: ReadonlySet<string>): void {
  for (const key of filters.keys()) if (!known.has(key)) throw invalidArgument(`invalid filter '${key}'`);
}

/** The flag of a filter such as dangling=true; undefined when it was not given. */
export function booleanFilter(filters: Filters, key: string): boolean | undefined {
  const values = filters.get(key);
  if (values === undefined) return undefined;
  const isTrue = ["1", "true"].some((value) => values.has(value));
  const isFalse = ["0", "false"].some((value) => values.has(value));
  if (isTrue !== isFalse) return isTrue;
  throw invalidArgument(`invalid filter '${key}=[${[...values].join(" ")}]'`);
}
