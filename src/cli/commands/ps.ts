// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { containerFormat, containerRow } from "../container-row.ts";
import { integer, toggle, value } from "../flags.ts";
import { formatRows } from "../format/rows.ts";
import { filterFlag, filterRequest, formatFlag, noTruncFlag, quietFlag } from "../list-flags.ts";

export const command = defineCommand({
  usage: "ps [OPTIONS]",
  description: "List containers",
  flags: {
    all: toggle("Show all containers (default shows just running)", { short: "a" }),
    filter: filterFlag,
    format: formatFlag,
    last: value("Show n last created containers (includes all states)", integer, { short: "n", placeholder: "int" }),
    latest: toggle("Show the latest created container (includes all states)", { short: "l" }),
    "no-trunc": noTruncFlag,
    quiet: quietFlag,
    size: toggle("Display total file sizes", { short: "s" }),
  },
  arguments: { minimum: 0, maximum: 0 },
  async run({ flags }, context) {
    const { quiet } = flags;
    const last = flags.latest ? 1 : Math.max(0, flags.last ?? 0);
    const format = quiet ? "" : (flags.format ?? "");
    const size = flags.size || format.includes(".Size");
    const containers = await context.client().containers.list({
      all: flags.all || last > 0,
      limit: last,
      filters: filterRequest(flags.filter),
      size,
      signal: context.signal,
    });
    const rows = containers.map((container) => containerRow(container, { full: flags["no-trunc"], now: new Date() }));
    const pods = containers.some(({ pod }) => pod !== undefined);
    context.stdout.write(formatRows(rows, format, containerFormat({ quiet, size: flags.size, pods })));
    return 0;
  },
});
