// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { text, toggle } from "../flags.ts";
import { pullImage } from "../pull-image.ts";
import { isTagged, withDefaultTag } from "../references.ts";

export const command = defineCommand({
  usage: "pull [OPTIONS] NAME[:TAG|@DIGEST]",
  description: "Download an image from a registry",
  flags: {
    platform: text("Set platform if server is multi-platform capable"),
    quiet: toggle("Suppress verbose output", { short: "q" }),
  },
  arguments: { minimum: 1, maximum: 1 },
  async run({ flags, args: [name = ""] }, context) {
    if (!flags.quiet && !isTagged(name)) context.stdout.write("Using default tag: latest\n");
    const { reference } = await pullImage(context, withDefaultTag(name), {
      platform: flags.platform,
      output: flags.quiet ? undefined : context.stdout,
    });
    context.stdout.write(`${reference}\n`);
    return 0;
  },
});
