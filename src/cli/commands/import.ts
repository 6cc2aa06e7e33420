// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { CliError } from "../errors.ts";
import { list, text } from "../flags.ts";
import { openInput } from "../input-file.ts";

export const command = defineCommand({
  usage: "import [OPTIONS] file|- [REPOSITORY[:TAG]]",
  description: "Import the contents from a tarball to create an image",
  flags: {
    change: list("Apply Dockerfile instruction to the created image", { short: "c" }),
    message: text("Set commit message for imported image", { short: "m" }),
    platform: text("Set platform if server is multi-platform capable"),
  },
  arguments: { minimum: 1, maximum: 2 },
  async run({ flags, args: [file = "", reference] }, context) {
    if (/^https?:\/\//.test(file)) {
      throw new CliError(`cannot import from an address: use "curl -fL ${file} | berth import -"`);
    }
    const id = await context.client().images.import(await openInput(file, context.stdin), {
      reference,
      changes: flags.change,
      message: flags.message,
      platform: flags.platform,
      signal: context.signal,
    });
    context.stdout.write(`${id}\n`);
    return 0;
  },
});
