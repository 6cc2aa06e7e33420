// SPDX-License-Identifier: Apache-2.0

import { attachPulls } from "../attach-pulls.ts";
import { defineCommand } from "../command.ts";
import { UsageError } from "../errors.ts";
import { text, toggle } from "../flags.ts";
import { pullImage } from "../pull-image.ts";
import { isTagged, withDefaultTag } from "../references.ts";

export const command = defineCommand({
  usage: "pull [OPTIONS] NAME[:TAG|@DIGEST]",
  description: "Download an image from a registry",
  flags: {
    attach: toggle("Show pulls that are running already until they end: of NAME, or all"),
    platform: text("Set platform if server is multi-platform capable"),
    quiet: toggle("Suppress verbose output", { short: "q" }),
  },
  arguments: { minimum: 0, maximum: 1 },
  async run({ flags, args: [name] }, context) {
    const output = flags.quiet ? undefined : context.stdout;
    if (flags.attach) {
      if (flags.platform !== undefined) throw new UsageError("conflicting options: --attach and --platform");
      return await attachPulls(context, { reference: name, output });
    }
    if (name === undefined) throw new UsageError("requires 1 argument", { showsUsage: true });
    if (!flags.quiet && !isTagged(name)) context.stdout.write("Using default tag: latest\n");
    const { reference } = await pullImage(context, withDefaultTag(name), { platform: flags.platform, output });
    context.stdout.write(`${reference}\n`);
    return 0;
  },
});
