// SPDX-License-Identifier: Apache-2.0
// A key that begins with "-" asks for the removal of what the rest of it names.

import type { ContainerAdjustment } from "../../../../gen/nri/pkg/api/v1alpha1/api_pb.js";

const mark = "-";

/** The key, and whether it asks for a removal. */
export function parseKey(key: string): { readonly name: string; readonly removed: boolean } {
  return key.startsWith(mark) ? { name: key.slice(mark.length), removed: true } : { name: key, removed: false };
}

export function markForRemoval(name: string): string {
  return `${mark}${name}`;
}

/** An empty first argument takes the place of what others set. */
export function parseArguments({ args }: Pick<ContainerAdjustment, "args">): {
  readonly args: readonly string[];
  readonly replaces: boolean;
} {
  return args[0] === "" ? { args: args.slice(1), replaces: true } : { args, replaces: false };
}

/** The map with a map of changes applied, some of which may be removals. */
export function changeMap<T>(
  base: Readonly<Record<string, T>>,
  changes: Readonly<Record<string, T>>,
): Record<string, T> {
  const parsed = Object.entries(changes).map(([key, value]) => ({ ...parseKey(key), value }));
  const result = new Map(Object.entries(base));
  for (const { name, removed } of parsed) if (removed) result.delete(name);
  for (const { name, removed, value } of parsed) if (!removed) result.set(name, value);
  return Object.fromEntries(result);
}

/** The list with those entries gone that the changes remove or replace, and the new ones at its end. */
export function changeList<T>(base: readonly T[], changes: readonly T[], keyOf: (entry: T) => string): readonly T[] {
  const touched = new Set(changes.map((entry) => parseKey(keyOf(entry)).name));
  return [...base.filter((entry) => !touched.has(keyOf(entry))), ...added(changes, keyOf)];
}

/** Those that ask for no removal. */
export function added<T>(changes: readonly T[], keyOf: (entry: T) => string): readonly T[] {
  return changes.filter((entry) => !parseKey(keyOf(entry)).removed);
}
