// SPDX-License-Identifier: Apache-2.0

import { archiveTarget } from "../archive-target.ts";
import { defineCommand } from "../command.ts";
import { text } from "../flags.ts";

export const command = defineCommand({
  usage: "save [OPTIONS] IMAGE [IMAGE...]",
  description: "Save one or more images to a tar archive (streamed to STDOUT by default)",
  flags: { output: text("Write to a file, instead of STDOUT", { short: "o" }) },
  arguments: { minimum: 1 },
  async run({ flags: { output }, args }, context) {
    const target = archiveTarget(context, output, "save");
    await target(context.client().images.save(args, { signal: context.signal }));
    return 0;
  },
});
