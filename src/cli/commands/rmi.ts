// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { forEach } from "../each.ts";
import { toggle } from "../flags.ts";

export const command = defineCommand({
  usage: "rmi [OPTIONS] IMAGE [IMAGE...]",
  description: "Remove one or more images",
  flags: { force: toggle("Force removal of the image", { short: "f" }) },
  arguments: { minimum: 1 },
  async run({ flags: { force }, args }, context) {
    const { images } = context.client();
    return await forEach(context, args, async (name) => {
      const { untagged, deleted } = await images.remove(name, { force, signal: context.signal });
      const lines = [...untagged.map((tag) => `Untagged: ${tag}`), ...deleted.map((id) => `Deleted: ${id}`)];
      return lines.length === 0 ? undefined : lines.join("\n");
    });
  },
});
