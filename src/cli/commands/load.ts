// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { CliError } from "../errors.ts";
import { text, toggle } from "../flags.ts";
import { openInput } from "../input-file.ts";

export const command = defineCommand({
  usage: "load [OPTIONS]",
  description: "Load an image from a tar archive or STDIN",
  flags: {
    input: text("Read from tar archive file, instead of STDIN", { short: "i" }),
    quiet: toggle("Suppress the load output", { short: "q" }),
  },
  arguments: { minimum: 0, maximum: 0 },
  async run({ flags: { input } }, context) {
    if (input === undefined && context.stdin.isTTY) {
      throw new CliError("requested load from stdin, but stdin is empty");
    }
    const images = await context
      .client()
      .images.load(await openInput(input, context.stdin), { signal: context.signal });
    for (const { id, name } of images) {
      context.stdout.write(name === "" ? `Loaded image ID: ${id}\n` : `Loaded image: ${name}\n`);
    }
    return 0;
  },
});
