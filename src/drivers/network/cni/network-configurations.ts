// SPDX-License-Identifier: Apache-2.0
// The configured networks: *.conflist, *.conf and *.json of one directory, in the order of their names. The directory is
// read each time it matters, so a plugin's installer may put its file there at any moment.

import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { messageOf, notFound, toEngineError, unavailable } from "../../../base/errors.ts";
import type { Logger } from "../../../base/log.ts";
import type { NetworkInfo } from "../../../core/networks/network-driver.ts";
import { ifThere } from "../../../host/files/errno.ts";
import { type NetworkConfiguration, parseNetworkConfiguration } from "./cni-documents.ts";
import { isConfigurationFile } from "./default-network.ts";

export class NetworkConfigurations {
  readonly #directory: string;
  readonly #logger: Logger;

  constructor(directory: string, logger: Logger) {
    this.#directory = directory;
    this.#logger = logger;
  }

  /** Every network once; of two files with one name the first counts. Files that cannot be read are passed over. */
  async list(): Promise<readonly NetworkConfiguration[]> {
    return (await this.#load()).networks;
  }

  /** not-found; unavailable when a file that may have been meant cannot be read. */
  async get(name: string): Promise<NetworkConfiguration> {
    const { networks, failures } = await this.#load();
    const network = networks.find((candidate) => candidate.name === name);
    if (network !== undefined) return network;
    if (failures.length > 0) throw unavailable(`network ${name} is not configured, and ${failures.join("; ")}`);
    throw notFound("network", name);
  }

  async #load(): Promise<{ readonly networks: readonly NetworkConfiguration[]; readonly failures: readonly string[] }> {
    const networks = new Map<string, NetworkConfiguration>();
    const failures: string[] = [];
    for (const name of (await this.#names()).filter(isConfigurationFile).sort()) {
      try {
        const file = path.join(this.#directory, name);
        const network = parseNetworkConfiguration(await readFile(file, "utf8"), file);
        if (!networks.has(network.name)) networks.set(network.name, network);
      } catch (error) {
        failures.push(messageOf(error));
        this.#logger.warn({ file: name, error }, "a network configuration cannot be used");
      }
    }
    return { networks: [...networks.values()], failures };
  }

  async #names(): Promise<readonly string[]> {
    try {
      return (await ifThere(readdir(this.#directory))) ?? [];
    } catch (error) {
      throw toEngineError(error, `read the network configurations in ${this.#directory}`);
    }
  }
}

/** What people see of a network. */
export function describeNetwork({ name, plugins }: NetworkConfiguration): NetworkInfo {
  const subnets = plugins.flatMap(({ ipam }) => subnetsOf(ipam ?? {}));
  return { name, driver: plugins[0]?.type ?? "", subnets };
}

/** host-local's ranges (a list of lists) or its older single subnet. */
function subnetsOf(ipam: Readonly<Record<string, unknown>>): readonly string[] {
  const ranges: readonly unknown[] = Array.isArray(ipam["ranges"]) ? ipam["ranges"].flat() : [ipam];
  return ranges.flatMap((range) => {
    const subnet = (range as { subnet?: unknown } | null)?.subnet;
    return typeof subnet === "string" ? [subnet] : [];
  });
}
