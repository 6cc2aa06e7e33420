// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";

export const command = defineCommand({
  usage: "tag SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
  description: "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
  flags: {},
  arguments: { minimum: 2, maximum: 2 },
  async run({ args: [source = "", target = ""] }, context) {
    await context.client().images.tag(source, target, { signal: context.signal });
    return 0;
  },
});
