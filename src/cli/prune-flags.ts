// SPDX-License-Identifier: Apache-2.0
// What the prune commands have in common.

import type { PruneResult } from "@berth/sdk";
import { list, toggle } from "./flags.ts";
import { humanSize } from "./format/human.ts";

export const forceFlag = toggle("Do not prompt for confirmation", { short: "f" });
export const pruneFilterFlag = list('Provide filter values (e.g. "until=<timestamp>", "label=<key>")', {
  placeholder: "filter",
});

/** What was removed under a heading, and nothing when nothing was. */
export function prunedList(heading: string, lines: readonly string[]): string {
  return lines.length === 0 ? "" : `${heading}:\n${lines.join("\n")}\n\n`;
}

export function reclaimedLine(results: readonly Pick<PruneResult, "reclaimedBytes">[]): string {
  const bytes = results.reduce((sum, { reclaimedBytes }) => sum + Number(reclaimedBytes), 0);
  return `Total reclaimed space: ${humanSize(bytes)}\n`;
}

/** Names and ids of images, as rmi prints them. */
export function prunedImageLines({
  untagged,
  removed,
}: Pick<PruneResult, "removed"> & { readonly untagged: readonly string[] }): readonly string[] {
  return [...untagged.map((name) => `untagged: ${name}`), ...removed.map((id) => `deleted: ${id}`)];
}
