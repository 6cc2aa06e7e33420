// SPDX-License-Identifier: Apache-2.0
// The network that every engine has: a bridge with masquerading and published ports. Its configuration is written once,
// into an empty directory, and is the administrator's from then on.

import { mkdir, readdir } from "node:fs/promises";
import path from "node:path";
import { toEngineError } from "../../../base/errors.ts";
import { writeDurably } from "../../../host/files/durable.ts";

export interface DefaultBridge {
  /** The bridge's interface, at most 15 characters. */
  readonly name: string;
  /** Such as 10.88.0.0/16. */
  readonly subnet: string;
}

const defaultNetworkName = "berth";
export const defaultBridge: DefaultBridge = { name: "berth0", subnet: "10.88.0.0/16" };

/** The configuration list of the default network; dataDirectory is where host-local keeps its leases. */
function defaultNetworkDocument({ name, subnet }: DefaultBridge, dataDirectory: string): object {
  return {
    cniVersion: "1.1.0",
    name: defaultNetworkName,
    plugins: [
      {
        type: "bridge",
        bridge: name,
        isGateway: true,
        ipMasq: true,
        hairpinMode: true,
        capabilities: { ips: true, mac: true },
        ipam: {
          type: "host-local",
          dataDir: dataDirectory,
          ranges: [[{ subnet }]],
          routes: [{ dst: "0.0.0.0/0" }],
        },
      },
      { type: "portmap", snat: true, capabilities: { portMappings: true } },
    ],
  };
}

/** Writes the default network when the directory has no configuration at all; never overwrites anything. */
export async function ensureDefaultNetwork(
  directory: string,
  bridge: DefaultBridge,
  dataDirectory: string,
): Promise<void> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o755 });
    if ((await readdir(directory)).some(isConfigurationFile)) return;
    const document = `${JSON.stringify(defaultNetworkDocument(bridge, dataDirectory), undefined, 2)}\n`;
    await writeDurably(path.join(directory, "10-berth.conflist"), document, 0o644);
  } catch (error) {
    throw toEngineError(error, `write the default network's configuration into ${directory}`);
  }
}

export function isConfigurationFile(name: string): boolean {
  return /\.(?:conflist|conf|json)$/.test(name) && !name.startsWith(".");
}
