// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { forEach } from "../each.ts";
import { integer, text, value } from "../flags.ts";

export const command = defineCommand({
  usage: "restart [OPTIONS] CONTAINER [CONTAINER...]",
  description: "Restart one or more containers",
  flags: {
    signal: text("Signal to send to the container", { short: "s" }),
    timeout: value("Seconds to wait before killing the container", integer, {
      short: "t",
      aliases: ["time"],
      placeholder: "int",
    }),
  },
  arguments: { minimum: 1 },
  async run({ flags, args }, context) {
    const { containers } = context.client();
    return await forEach(context, args, async (name) => {
      await containers.restart(name, {
        signal: context.signal,
        timeoutSeconds: flags.timeout,
        posixSignal: flags.signal,
      });
      return name;
    });
  },
});
