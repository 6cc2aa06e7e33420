// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { runDaemonProgram } from "../daemon-program.ts";

export const command = defineCommand({
  usage: "daemon [OPTIONS]",
  description: "Run the daemon; its options are in berth daemon --help",
  flags: {},
  arguments: { minimum: 0 },
  passesAllOn: true,
  async run({ args }, context) {
    const host = context.host === undefined ? [] : ["--host", context.host];
    return await runDaemonProgram(context, [...host, ...args]);
  },
});
