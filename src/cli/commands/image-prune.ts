// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { confirm } from "../confirm.ts";
import { toggle } from "../flags.ts";
import { filterRequest } from "../list-flags.ts";
import { forceFlag, prunedImageLines, prunedList, pruneFilterFlag, reclaimedLine } from "../prune-flags.ts";

export const command = defineCommand({
  usage: "image prune [OPTIONS]",
  description: "Remove unused images",
  flags: {
    all: toggle("Remove all unused images, not just dangling ones", { short: "a" }),
    filter: pruneFilterFlag,
    force: forceFlag,
  },
  arguments: { minimum: 0, maximum: 0 },
  async run({ flags: { all, filter, force } }, context) {
    const which = all ? "all images without at least one container associated to them" : "all dangling images";
    if (!force) await confirm(context, "image prune", `This will remove ${which}.`);
    const filters = { ...filterRequest(filter), ...(all && { dangling: ["false"] }) };
    const pruned = await context.client().storage.pruneImages({ filters, signal: context.signal });
    context.stdout.write(prunedList("Deleted Images", prunedImageLines(pruned)) + reclaimedLine([pruned]));
    return 0;
  },
});
