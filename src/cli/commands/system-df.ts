// SPDX-License-Identifier: Apache-2.0

import type { UsageTotal } from "@berth/sdk";
import { defineCommand } from "../command.ts";
import { UsageError } from "../errors.ts";
import { toggle } from "../flags.ts";
import type { Fields } from "../format/go-template/values.ts";
import { humanSize } from "../format/human.ts";
import { formatRows, type RowFormat } from "../format/rows.ts";
import { formatFlag } from "../list-flags.ts";
import { verboseUsage } from "../verbose-usage.ts";

export const command = defineCommand({
  usage: "system df [OPTIONS]",
  description: "Show disk usage",
  flags: { format: formatFlag, verbose: toggle("Show detailed information on space usage", { short: "v" }) },
  arguments: { minimum: 0, maximum: 0 },
  async run({ flags: { format = "", verbose } }, context) {
    if (verbose && format !== "") throw new UsageError("the verbose and the format options conflict");
    const usage = await context.client().storage.diskUsage({ details: verbose, signal: context.signal });
    const rows = [
      usageRow("Images", usage.images),
      usageRow("Containers", usage.containers),
      usageRow("Local Volumes", usage.volumes),
      usageRow("Build Cache", undefined),
    ];
    context.stdout.write(verbose ? verboseUsage(usage, new Date()) : formatRows(rows, format, usageFormat));
    return 0;
  },
});

const usageFormat: RowFormat = {
  typeName: "*formatter.diskUsageContext",
  headers: { Type: "TYPE", TotalCount: "TOTAL", Active: "ACTIVE", Size: "SIZE", Reclaimable: "RECLAIMABLE" },
  defaultFormat: "table {{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}",
};

function usageRow(type: string, total: UsageTotal | undefined): Fields {
  const [size, reclaimable] = [Number(total?.sizeBytes ?? 0n), Number(total?.reclaimableBytes ?? 0n)];
  const share = size > 0 ? ` (${Math.floor((reclaimable * 100) / size)}%)` : "";
  return {
    Active: String(total?.active ?? 0),
    Reclaimable: `${humanSize(reclaimable)}${share}`,
    Size: humanSize(size),
    TotalCount: String(total?.count ?? 0),
    Type: type,
  };
}
