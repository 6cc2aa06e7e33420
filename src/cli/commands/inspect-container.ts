// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { inspectFormatFlag, inspectObjects, inspectSizeFlag } from "../inspect/inspect-objects.ts";

export const command = defineCommand({
  usage: "container inspect [OPTIONS] CONTAINER [CONTAINER...]",
  description: "Display detailed information on one or more containers",
  flags: { format: inspectFormatFlag, size: inspectSizeFlag },
  arguments: { minimum: 1 },
  async run({ flags, args }, context) {
    return await inspectObjects(context, { kinds: ["container"], names: args, ...flags });
  },
});
