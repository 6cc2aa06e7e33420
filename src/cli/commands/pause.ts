// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { forEach } from "../each.ts";

export const command = defineCommand({
  usage: "pause CONTAINER [CONTAINER...]",
  description: "Pause all processes within one or more containers",
  flags: {},
  arguments: { minimum: 1 },
  async run({ args }, context) {
    const { containers } = context.client();
    return await forEach(context, args, async (name) => {
      await containers.pause(name, { signal: context.signal });
      return name;
    });
  },
});
