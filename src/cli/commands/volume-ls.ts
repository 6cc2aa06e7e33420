// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { toggle } from "../flags.ts";
import { formatRows } from "../format/rows.ts";
import { filterFlag, filterRequest, formatFlag } from "../list-flags.ts";
import { volumeFormat, volumeRow } from "../volume-row.ts";

export const command = defineCommand({
  usage: "volume ls [OPTIONS]",
  description: "List volumes",
  flags: {
    filter: filterFlag,
    format: formatFlag,
    quiet: toggle("Only display volume names", { short: "q" }),
  },
  arguments: { minimum: 0, maximum: 0 },
  async run({ flags }, context) {
    const filters = filterRequest(flags.filter);
    const volumes = await context.client().volumes.list({ filters, signal: context.signal });
    const format = flags.quiet ? "" : (flags.format ?? "");
    context.stdout.write(formatRows(volumes.map(volumeRow), format, volumeFormat({ quiet: flags.quiet })));
    return 0;
  },
});
