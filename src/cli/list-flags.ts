// SPDX-License-Identifier: Apache-2.0
// What lists have in common.

import { list, text, toggle } from "./flags.ts";
import { parseFilters } from "./format/filters.ts";

export const filterFlag = list("Filter output based on conditions provided", { short: "f", placeholder: "filter" });
export const quietFlag = toggle("Only display IDs", { short: "q" });
export const noTruncFlag = toggle("Don't truncate output");
export const formatFlag = text(
  "Format output using a custom template: 'table', 'table TEMPLATE', 'json' or a Go template",
);

/** --filter as the daemon takes it. */
export function filterRequest(values: readonly string[]): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries([...parseFilters(values)].map(([key, set]) => [key, [...set]]));
}
