// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { forEach } from "../each.ts";

export const command = defineCommand({
  usage: "wait CONTAINER [CONTAINER...]",
  description: "Block until one or more containers stop, then print their exit codes",
  flags: {},
  arguments: { minimum: 1 },
  async run({ args }, context) {
    const { containers } = context.client();
    return await forEach(context, args, async (name) => {
      const { exit } = await containers.wait(name, { signal: context.signal });
      return String((await exit).exitCode);
    });
  },
});
