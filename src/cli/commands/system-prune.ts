// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { confirm } from "../confirm.ts";
import { CliError } from "../errors.ts";
import { toggle } from "../flags.ts";
import { filterRequest } from "../list-flags.ts";
import { forceFlag, prunedImageLines, prunedList, pruneFilterFlag, reclaimedLine } from "../prune-flags.ts";

export const command = defineCommand({
  usage: "system prune [OPTIONS]",
  description: "Remove unused data",
  flags: {
    all: toggle("Remove all unused images not just dangling ones", { short: "a" }),
    filter: pruneFilterFlag,
    force: forceFlag,
    volumes: toggle("Prune anonymous volumes"),
  },
  arguments: { minimum: 0, maximum: 0 },
  async run({ flags: { all, filter, force, volumes: withVolumes } }, context) {
    const filters = filterRequest(filter);
    if (withVolumes && filters["until"] !== undefined) {
      throw new CliError('ERROR: The "until" filter is not supported with "--volumes"');
    }
    if (!force) await confirm(context, "system prune", warning({ all, withVolumes, filter }));
    const { storage, volumes } = context.client();
    const { signal } = context;
    // In this order: what containers have is free once they are gone.
    const containers = await storage.pruneContainers({ filters, signal });
    context.stdout.write(prunedList("Deleted Containers", containers.removed));
    const anonymous = withVolumes ? await volumes.prune({ filters, signal }) : { removed: [], reclaimedBytes: 0n };
    context.stdout.write(prunedList("Deleted Volumes", anonymous.removed));
    const images = await storage.pruneImages({
      filters: { ...filters, ...(all && { dangling: ["false"] }) },
      signal,
    });
    context.stdout.write(prunedList("Deleted Images", prunedImageLines(images)));
    context.stdout.write(reclaimedLine([containers, anonymous, images]));
    return 0;
  },
});

interface Wanted {
  readonly all: boolean;
  readonly withVolumes: boolean;
  readonly filter: readonly string[];
}

/** What goes, before it goes. */
function warning({ all, withVolumes, filter }: Wanted): string {
  const lines = [
    "all stopped containers",
    ...(withVolumes ? ["all anonymous volumes not used by at least one container"] : []),
    all ? "all images without at least one container associated to them" : "all dangling images",
  ];
  const filters = filter.length === 0 ? "" : `\n  Items to be pruned will be filtered with:\n${bullets(filter)}`;
  return `This will remove:\n${bullets(lines)}${filters}`;
}

function bullets(lines: readonly string[]): string {
  return lines.map((line) => `  - ${line}\n`).join("");
}
