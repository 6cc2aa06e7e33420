// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { forEach } from "../each.ts";
import { toggle } from "../flags.ts";

export const command = defineCommand({
  usage: "volume rm [OPTIONS] VOLUME [VOLUME...]",
  description: "Remove one or more volumes. You cannot remove a volume that is in use by a container",
  flags: { force: toggle("Force the removal of one or more volumes", { short: "f" }) },
  arguments: { minimum: 1 },
  async run({ flags: { force }, args }, context) {
    const { volumes } = context.client();
    return await forEach(context, args, async (name) => {
      await volumes.remove(name, { force, signal: context.signal });
      return name;
    });
  },
});
