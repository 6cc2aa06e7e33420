// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { containerFlags } from "../container-flags.ts";
import { toContainerOptions } from "../container-options.ts";
import { createContainer } from "../create-container.ts";

export const command = defineCommand({
  usage: "create [OPTIONS] IMAGE [COMMAND] [ARG...]",
  description: "Create a new container",
  flags: containerFlags,
  arguments: { minimum: 1 },
  flagsFirst: true,
  failures: "engine",
  async run({ flags, args }, context) {
    const id = await createContainer(context, flags, toContainerOptions(flags, args, context.environment));
    context.stdout.write(`${id}\n`);
    return 0;
  },
});
