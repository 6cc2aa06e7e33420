// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { inspectFormatFlag, inspectObjects } from "../inspect/inspect-objects.ts";

export const command = defineCommand({
  usage: "volume inspect [OPTIONS] VOLUME [VOLUME...]",
  description: "Display detailed information on one or more volumes",
  flags: { format: inspectFormatFlag },
  arguments: { minimum: 1 },
  async run({ flags, args }, context) {
    return await inspectObjects(context, { kinds: ["volume"], names: args, size: false, ...flags });
  },
});
