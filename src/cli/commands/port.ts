// SPDX-License-Identifier: Apache-2.0

import type { PortMapping } from "@berth/sdk";
import { defineCommand } from "../command.ts";
import { CliError } from "../errors.ts";
import { joinAddress } from "../format/ports.ts";

export const command = defineCommand({
  usage: "port CONTAINER [PRIVATE_PORT[/PROTO]]",
  description: "List port mappings or a specific mapping for the container",
  flags: {},
  arguments: { minimum: 1, maximum: 2 },
  async run({ args: [container = "", wanted] }, context) {
    const port = wanted === undefined ? undefined : parseWanted(wanted);
    const { ports } = await context.client().containers.inspect(container, { signal: context.signal });
    const lines = ports
      .toSorted(comparePorts)
      .filter((each) => port === undefined || port === privatePort(each))
      .map((each) => (port === undefined ? `${privatePort(each)} -> ${hostPort(each)}` : hostPort(each)));
    if (port !== undefined && lines.length === 0) {
      throw new CliError(`no public port '${port}' published for ${container}`);
    }
    context.stdout.write(lines.map((line) => `${line}\n`).join(""));
    return 0;
  },
});

/** "80" is "80/tcp". */
function parseWanted(given: string): string {
  const [port = "", protocol = "tcp"] = given.split(/\/(.*)/s);
  if (!/^\d+$/.test(port) || Number(port) > 65_535) throw new CliError(`invalid port (${port})`);
  return `${Number(port)}/${protocol}`;
}

function privatePort({ containerPort, protocol }: PortMapping): string {
  return `${containerPort}/${protocol}`;
}

function hostPort({ hostIp, hostPort: port }: PortMapping): string {
  return joinAddress(hostIp === "" ? "0.0.0.0" : hostIp, String(port));
}

function comparePorts(a: PortMapping, b: PortMapping): number {
  return (
    a.containerPort - b.containerPort ||
    a.protocol.localeCompare(b.protocol) ||
    a.hostIp.localeCompare(b.hostIp) ||
    a.hostPort - b.hostPort
  );
}
