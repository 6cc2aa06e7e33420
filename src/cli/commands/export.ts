// SPDX-License-Identifier: Apache-2.0

import { archiveTarget } from "../archive-target.ts";
import { defineCommand } from "../command.ts";
import { text } from "../flags.ts";

export const command = defineCommand({
  usage: "export [OPTIONS] CONTAINER",
  description: "Export a container's filesystem as a tar archive",
  flags: { output: text("Write to a file, instead of STDOUT", { short: "o" }) },
  arguments: { minimum: 1, maximum: 1 },
  async run({ flags: { output }, args: [container = ""] }, context) {
    const target = archiveTarget(context, output, "export");
    await target(context.client().containerFiles.export(container, { signal: context.signal }));
    return 0;
  },
});
