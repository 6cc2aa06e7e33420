// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { confirm } from "../confirm.ts";
import { toggle } from "../flags.ts";
import { filterRequest } from "../list-flags.ts";
import { forceFlag, prunedList, pruneFilterFlag, reclaimedLine } from "../prune-flags.ts";

export const command = defineCommand({
  usage: "volume prune [OPTIONS]",
  description: "Remove unused local volumes",
  flags: {
    all: toggle("Remove all unused volumes, not just anonymous ones", { short: "a" }),
    filter: pruneFilterFlag,
    force: forceFlag,
  },
  arguments: { minimum: 0, maximum: 0 },
  async run({ flags: { all, filter, force } }, context) {
    const which = all ? "all local volumes" : "anonymous local volumes";
    if (!force) await confirm(context, "volume prune", `This will remove ${which} not used by at least one container.`);
    const filters = { ...filterRequest(filter), ...(all && { all: ["true"] }) };
    const pruned = await context.client().volumes.prune({ filters, signal: context.signal });
    context.stdout.write(prunedList("Deleted Volumes", pruned.removed) + reclaimedLine([pruned]));
    return 0;
  },
});
