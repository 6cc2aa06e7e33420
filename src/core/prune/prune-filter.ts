// SPDX-License-Identifier: Apache-2.0
// The filters of Docker's prune commands: until, label and label!. All that is given must hold.

import { invalidArgument } from "../../base/errors.ts";
import { labelMatches, parseFilterBoolean } from "../../base/filter-values.ts";
import { parseTime } from "../../base/parse/time.ts";

/** What the filters look at. */
export interface PruneCandidate {
  readonly labels: Readonly<Record<string, string>>;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

/** What a prune command did. */
export interface Pruned {
  /** Names or ids. */
  readonly removed: readonly string[];
  readonly bytes: number;
}

const nanosecondsPerMillisecond = 1_000_000n;

/** keys: those that the command takes beside label and label!. */
export function pruneFilter(
  filters: ReadonlyMap<string, readonly string[]>,
  keys: readonly string[],
): (candidate: PruneCandidate) => boolean {
  for (const key of filters.keys()) {
    if (key !== "label" && key !== "label!" && !keys.includes(key)) throw invalidArgument(`invalid filter '${key}'`);
  }
  const limits = (filters.get("until") ?? []).map((text) =>
    Number(parseTime(text, new Date()) / nanosecondsPerMillisecond),
  );
  if (limits.length > 1) throw invalidArgument("more than one until filter specified");
  const [wanted, unwanted] = [filters.get("label") ?? [], filters.get("label!") ?? []];
  return ({ labels, createdAt }) =>
    limits.every((limit) => createdAt < limit) &&
    wanted.every((label) => labelMatches(labels, label)) &&
    !unwanted.some((label) => labelMatches(labels, label));
}

/** The value of a switch; undefined when it is not given, invalid-argument when it contradicts itself. */
export function filterSwitch(filters: ReadonlyMap<string, readonly string[]>, key: string): boolean | undefined {
  const values = new Set((filters.get(key) ?? []).map((value) => parseFilterBoolean(key, value)));
  if (values.size > 1) throw invalidArgument(`invalid filter '${key}': it is both true and false`);
  const [value] = values;
  return value;
}
