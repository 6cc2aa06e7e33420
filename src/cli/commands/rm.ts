// SPDX-License-Identifier: Apache-2.0

import { BerthError } from "@berth/sdk";
import { defineCommand } from "../command.ts";
import { forEach } from "../each.ts";
import { failureText } from "../failure.ts";
import { toggle } from "../flags.ts";

export const command = defineCommand({
  usage: "rm [OPTIONS] CONTAINER [CONTAINER...]",
  description: "Remove one or more containers",
  flags: {
    force: toggle("Force the removal of a running container (uses SIGKILL)", { short: "f" }),
    volumes: toggle("Remove anonymous volumes associated with the container", { short: "v" }),
  },
  arguments: { minimum: 1 },
  async run({ flags: { force, volumes }, args }, context) {
    const { containers } = context.client();
    return await forEach(context, args, async (given) => {
      // Names as docker inspect prints them have a slash.
      const name = given.replace(/^\/+/, "");
      try {
        await containers.remove(name, { force, volumes, signal: context.signal });
        return given;
      } catch (error) {
        // Forced, what is gone already is no failure.
        if (!force || !(error instanceof BerthError) || error.code !== "not-found") throw error;
        context.stderr.write(`${failureText(error)}\n`);
        return undefined;
      }
    });
  },
});
