// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { list, text, toggle } from "../flags.ts";

export const command = defineCommand({
  usage: "commit [OPTIONS] CONTAINER [REPOSITORY[:TAG]]",
  description: "Create a new image from a container's changes",
  flags: {
    author: text('Author (e.g., "Ada Example <ada@example.com>")', { short: "a" }),
    change: list("Apply Dockerfile instruction to the created image", { short: "c" }),
    message: text("Commit message", { short: "m" }),
    pause: toggle("Pause container during commit", { short: "p", initial: true }),
  },
  arguments: { minimum: 1, maximum: 2 },
  async run({ flags, args: [container = "", reference] }, context) {
    const id = await context.client().containerFiles.commit(container, {
      reference,
      author: flags.author,
      changes: flags.change,
      message: flags.message,
      pause: flags.pause,
      signal: context.signal,
    });
    context.stdout.write(`${id}\n`);
    return 0;
  },
});
