// SPDX-License-Identifier: Apache-2.0
// What docker network does and Berth does not: refused by name, with the reason.

import { type Command, defineCommand } from "../command.ts";
import { CliError } from "../errors.ts";

/** A command that says why it does nothing, whatever its flags are. */
export function refusedNetworkCommand(name: string): Command {
  return defineCommand({
    usage: `network ${name}`,
    description: "Not supported: networks are configured in files of CNI",
    flags: {},
    arguments: { minimum: 0 },
    passesAllOn: true,
    run() {
      throw new CliError(
        `network ${name} is not supported: networks are what the files of CNI (*.conflist) in the daemon's configuration directory describe, and a container keeps the one that it was created with; choose it with --network NAME`,
      );
    },
  });
}
