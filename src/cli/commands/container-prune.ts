// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { confirm } from "../confirm.ts";
import { filterRequest } from "../list-flags.ts";
import { forceFlag, prunedList, pruneFilterFlag, reclaimedLine } from "../prune-flags.ts";

export const command = defineCommand({
  usage: "container prune [OPTIONS]",
  description: "Remove all stopped containers",
  flags: { filter: pruneFilterFlag, force: forceFlag },
  arguments: { minimum: 0, maximum: 0 },
  async run({ flags: { filter, force } }, context) {
    if (!force) await confirm(context, "container prune", "This will remove all stopped containers.");
    const filters = filterRequest(filter);
    const pruned = await context.client().storage.pruneContainers({ filters, signal: context.signal });
    context.stdout.write(prunedList("Deleted Containers", pruned.removed) + reclaimedLine([pruned]));
    return 0;
  },
});
