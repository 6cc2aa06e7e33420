// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { inspectFormatFlag, inspectObjects } from "../inspect/inspect-objects.ts";

export const command = defineCommand({
  usage: "image inspect [OPTIONS] IMAGE [IMAGE...]",
  description: "Display detailed information on one or more images",
  flags: { format: inspectFormatFlag },
  arguments: { minimum: 1 },
  async run({ flags, args }, context) {
    return await inspectObjects(context, { kinds: ["image"], names: args, size: false, ...flags });
  },
});
