// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { runDaemonProgram } from "../daemon-program.ts";

export const command = defineCommand({
  usage: "config default",
  description: "Print the daemon's configuration file with all defaults",
  flags: {},
  arguments: { minimum: 0, maximum: 0 },
  async run(_parsed, context) {
    return await runDaemonProgram(context, ["config", "default"]);
  },
});
