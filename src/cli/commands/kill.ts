// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { forEach } from "../each.ts";
import { text } from "../flags.ts";

export const command = defineCommand({
  usage: "kill [OPTIONS] CONTAINER [CONTAINER...]",
  description: "Kill one or more running containers",
  flags: { signal: text("Signal to send to the container", { short: "s" }) },
  arguments: { minimum: 1 },
  async run({ flags, args }, context) {
    const { containers } = context.client();
    return await forEach(context, args, async (name) => {
      await containers.kill(name, {
        signal: context.signal,
        ...(flags.signal !== undefined && { posixSignal: flags.signal }),
      });
      return name;
    });
  },
});
