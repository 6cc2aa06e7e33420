// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";

export const command = defineCommand({
  usage: "rename CONTAINER NEW_NAME",
  description: "Rename a container",
  flags: {},
  arguments: { minimum: 2, maximum: 2 },
  async run({ args: [given = "", newName = ""] }, context) {
    await context.client().containers.rename(given, newName, { signal: context.signal });
    return 0;
  },
});
