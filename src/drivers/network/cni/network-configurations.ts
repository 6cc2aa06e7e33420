// SPDX-License-Identifier: Apache-2.0
// The configured networks: *.conflist, *.conf and *.json of some directories, in the order of their names. Directories are
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
  readonly #directories: readonly string[];
  readonly #logger: Logger;

  /** Of two directories with a network of one name the first counts. */
  constructor(directories: readonly string[], logger: Logger) {
    this.#directories = directories;
    this.#logger = logger;
  }

  /** The first network of a directory alone; undefined when it has none that can be read. */
  async first(directory: string): Promise<NetworkConfiguration | undefined> {
    return (await this.#load([directory])).networks[0];
  }

  /** Every network once; of two files with one name the first counts. Files that cannot be read are passed over. */
  async list(): Promise<readonly NetworkConfiguration[]> {
    return (await this.#load(this.#directories)).networks;
  }

  /** not-found; unavailable when a file that may have been meant cannot be read. */
  async get(name: string): Promise<NetworkConfiguration> {
    const { networks, failures } = await this.#load(this.#directories);
    const network = networks.find((candidate) => candidate.name === name);
    if (network !== undefined) return network;
    if (failures.length > 0) throw unavailable(`network ${name} is not configured, and ${failures.join("; ")}`);
    throw notFound("network", name);
  }

  async #load(
    directories: readonly string[],
  ): Promise<{ readonly networks: readonly NetworkConfiguration[]; readonly failures: readonly string[] }> {
    const networks = new Map<string, NetworkConfiguration>();
    const failures: string[] = [];
    for (const file of (await Promise.all(directories.map(configurationFiles))).flat()) {
      try {
        const network = parseNetworkConfiguration(await readFile(file, "utf8"), file);
        if (!networks.has(network.name)) networks.set(network.name, network);
      } catch (error) {
        failures.push(messageOf(error));
        this.#logger.warn({ file, error }, "a network configuration cannot be used");
      }
    }
    return { networks: [...networks.values()], failures };
  }
}

/** In the order of their names. */
async function configurationFiles(directory: string): Promise<readonly string[]> {
  try {
    const names = (await ifThere(readdir(directory))) ?? [];
    return names
      .filter(isConfigurationFile)
      .sort()
      .map((name) => path.join(directory, name));
  } catch (error) {
    throw toEngineError(error, `read the network configurations in ${directory}`);
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
