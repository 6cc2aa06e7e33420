// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { updateFlags } from "../container-flags.ts";
import { resourceOptions, restartPolicy } from "../container-options.ts";
import { forEach } from "../each.ts";
import { CliError } from "../errors.ts";

export const command = defineCommand({
  usage: "update [OPTIONS] CONTAINER [CONTAINER...]",
  description: "Update configuration of one or more containers",
  flags: updateFlags,
  arguments: { minimum: 1 },
  async run({ flags, args, given }, context) {
    if (given.size === 0) throw new CliError("you must provide one or more flags when using this command");
    const policy = restartPolicy(flags.restart);
    const change = { resources: resourceOptions(flags), ...(policy !== undefined && { restartPolicy: policy }) };
    const { containers } = context.client();
    return await forEach(context, args, async (name) => {
      await containers.update(name, change, { signal: context.signal });
      return name;
    });
  },
});
