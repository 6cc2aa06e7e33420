// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { alignColumns } from "../format/table.ts";

/** docker's columns of top are twice as wide as its others. */
const minimumWidth = 20;

export const command = defineCommand({
  usage: "top CONTAINER [ps OPTIONS]",
  description: "Display the running processes of a container",
  flags: {},
  arguments: { minimum: 1 },
  flagsFirst: true,
  async run({ args: [container = "", ...parameters] }, context) {
    const { titles, processes } = await context.client().containers.top(container, {
      parameters,
      signal: context.signal,
    });
    const lines = [titles, ...processes].map((fields) => fields.join("\t"));
    context.stdout.write(`${alignColumns(lines.join("\n"), { minimumWidth })}\n`);
    return 0;
  },
});
