// SPDX-License-Identifier: Apache-2.0
// The pods' network of a run: a CNI configuration as a cluster's network plugin would leave one, with names of its own.

import { execFile } from "node:child_process";
import { randomInt } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";

export interface PodNetwork {
  /** Where its configuration lies, alone. */
  readonly configDirectory: string;
  /** Appears in the names of interfaces and in rules. */
  readonly mark: string;
  /** Removes the bridge, which plugins leave. */
  close(): Promise<void>;
}

/** Writes the configuration below the directory. */
export async function makePodNetwork(directory: string): Promise<PodNetwork> {
  const configDirectory = path.join(directory, "cni");
  const bridge = `bct-${randomInt(0x10_000, 0x100_000).toString(16)}`;
  await mkdir(configDirectory, { recursive: true });
  await writeFile(path.join(configDirectory, "10-pods.conflist"), JSON.stringify(configuration(directory, bridge)));
  return {
    configDirectory,
    mark: bridge,
    close: async () => {
      try {
        await promisify(execFile)("ip", ["link", "delete", bridge]);
      } catch {
        // no pod was made: there is no bridge
      }
    },
  };
}

function configuration(directory: string, bridge: string) {
  const subnet = `10.${randomInt(100, 250)}.${randomInt(0, 256)}.0/24`;
  return {
    cniVersion: "1.0.0",
    name: bridge,
    plugins: [
      {
        type: "bridge",
        bridge,
        isGateway: true,
        ipMasq: true,
        ipam: {
          type: "host-local",
          dataDir: path.join(directory, "addresses"),
          ranges: [[{ subnet }]],
          routes: [{ dst: "0.0.0.0/0" }],
        },
      },
      { type: "portmap", capabilities: { portMappings: true } },
    ],
  };
}
