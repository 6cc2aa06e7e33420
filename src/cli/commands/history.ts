// SPDX-License-Identifier: Apache-2.0

import type { HistoryStep } from "@berth/sdk";
import { defineCommand } from "../command.ts";
import { toggle } from "../flags.ts";
import type { Fields } from "../format/go-template/values.ts";
import { humanAge, humanSize } from "../format/human.ts";
import { formatRows, type RowFormat } from "../format/rows.ts";
import { ellipsis, shortId } from "../format/text.ts";
import { formatFlag, noTruncFlag, quietFlag } from "../list-flags.ts";
import { formatLocalSeconds, toDate } from "../times.ts";

const createdByWidth = 45;

export const command = defineCommand({
  usage: "history [OPTIONS] IMAGE",
  description: "Show the history of an image",
  flags: {
    format: formatFlag,
    human: toggle("Print sizes and dates in human readable format", { short: "H", initial: true }),
    "no-trunc": noTruncFlag,
    quiet: quietFlag,
  },
  arguments: { minimum: 1, maximum: 1 },
  async run({ flags, args: [image = ""] }, context) {
    const { quiet, human } = flags;
    const steps = await context.client().images.history(image, { signal: context.signal });
    const options = { full: flags["no-trunc"], human, now: new Date() };
    const rows = steps.map((step) => historyRow(step, options));
    context.stdout.write(formatRows(rows, quiet ? "" : (flags.format ?? ""), historyFormat({ quiet, human })));
    return 0;
  },
});

function historyFormat({ quiet, human }: { readonly quiet: boolean; readonly human: boolean }): RowFormat {
  const created = human ? "CreatedSince" : "CreatedAt";
  return {
    typeName: "*formatter.historyContext",
    headers: {
      ID: "IMAGE",
      CreatedSince: "CREATED",
      CreatedAt: "CREATED AT",
      CreatedBy: "CREATED BY",
      Size: "SIZE",
      Comment: "COMMENT",
    },
    defaultFormat: quiet ? "{{.ID}}" : `table {{.ID}}\t{{.${created}}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}`,
  };
}

interface RowOptions {
  readonly full: boolean;
  readonly human: boolean;
  readonly now: Date;
}

function historyRow(step: HistoryStep, { full, human, now }: RowOptions): Fields {
  const id = step.id === "" ? "<missing>" : step.id;
  const created = toDate(step.createdAt);
  const createdAt = created === undefined ? "" : formatLocalSeconds(created);
  const since = created === undefined || created.getTime() <= 0 ? "N/A" : humanAge(created, now);
  const createdBy = step.createdBy.replaceAll("\t", " ");
  return {
    Comment: step.comment,
    CreatedAt: createdAt,
    CreatedBy: full ? createdBy : ellipsis(createdBy, createdByWidth),
    CreatedSince: human ? since : createdAt,
    ID: full ? id : shortId(id),
    Size: human ? humanSize(Number(step.sizeBytes), 3) : String(step.sizeBytes),
  };
}
