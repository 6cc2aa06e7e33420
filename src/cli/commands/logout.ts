// SPDX-License-Identifier: Apache-2.0

import { DockerConfig } from "@berth/sdk";
import { defineCommand } from "../command.ts";

export const command = defineCommand({
  usage: "logout [SERVER]",
  description: "Log out from a registry; without a server it is Docker Hub",
  flags: {},
  arguments: { minimum: 0, maximum: 1 },
  async run({ args: [server = "docker.io"] }, context) {
    const known = await new DockerConfig().erase(server);
    context.stdout.write(known ? `Removing login credentials for ${server}\n` : `Not logged in to ${server}\n`);
    return 0;
  },
});
