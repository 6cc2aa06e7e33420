// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { toggle } from "../flags.ts";
import { credentialsFor, progressTo } from "../pull-image.ts";
import { isTagged, withDefaultTag } from "../references.ts";

export const command = defineCommand({
  usage: "push [OPTIONS] NAME[:TAG]",
  description: "Upload an image to a registry",
  flags: { quiet: toggle("Suppress verbose output", { short: "q" }) },
  arguments: { minimum: 1, maximum: 1 },
  async run({ flags: { quiet }, args: [name = ""] }, context) {
    if (!quiet && !isTagged(name)) context.stdout.write("Using default tag: latest\n");
    const reference = withDefaultTag(name);
    await context.client().images.push(reference, {
      signal: context.signal,
      credentials: await credentialsFor(reference),
      ...(!quiet && { onProgress: progressTo(context.stdout) }),
    });
    if (quiet) context.stdout.write(`${reference}\n`);
    return 0;
  },
});
