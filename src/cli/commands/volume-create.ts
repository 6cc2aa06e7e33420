// SPDX-License-Identifier: Apache-2.0

import { parseKeyValues } from "../../base/parse/key-value.ts";
import { defineCommand } from "../command.ts";
import { UsageError } from "../errors.ts";
import { list, text } from "../flags.ts";

export const command = defineCommand({
  usage: "volume create [OPTIONS] [VOLUME]",
  description: "Create a volume",
  flags: {
    driver: text("Specify volume driver name (there is only local)", { short: "d" }),
    label: list("Set metadata for a volume"),
    name: text("Specify volume name: as the argument"),
    opt: list("Set driver specific options (none is known)", { short: "o", placeholder: "map" }),
  },
  arguments: { minimum: 0, maximum: 1 },
  async run({ flags, args: [argument] }, context) {
    if (argument !== undefined && flags.name !== undefined) {
      throw new UsageError(
        "conflicting options: cannot specify a volume-name through both --name and as a positional arg",
      );
    }
    const { name } = await context.client().volumes.create({
      name: argument ?? flags.name,
      driver: flags.driver,
      driverOptions: parseKeyValues(flags.opt),
      labels: parseKeyValues(flags.label),
      signal: context.signal,
    });
    context.stdout.write(`${name}\n`);
    return 0;
  },
});
