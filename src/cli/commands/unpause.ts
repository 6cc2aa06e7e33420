// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { forEach } from "../each.ts";

export const command = defineCommand({
  usage: "unpause CONTAINER [CONTAINER...]",
  description: "Unpause all processes within one or more containers",
  flags: {},
  arguments: { minimum: 1 },
  async run({ args }, context) {
    const { containers } = context.client();
    return await forEach(context, args, async (name) => {
      await containers.unpause(name, { signal: context.signal });
      return name;
    });
  },
});
