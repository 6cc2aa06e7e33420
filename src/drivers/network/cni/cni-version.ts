// SPDX-License-Identifier: Apache-2.0
// Which version of the specification a chain of plugins speaks: the highest that all of them, the configuration and the
// engine know. One for the whole chain, since each plugin reads the result of the one before.

import { failedPrecondition } from "../../../base/errors.ts";
import type { NetworkConfiguration } from "./cni-documents.ts";

/** Versions whose results the engine reads, the highest first. */
const knownVersions = ["1.1.0", "1.0.0", "0.4.0", "0.3.1", "0.3.0"] as const;

/** Negative when a is older than b. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a.split(".").map(Number), b.split(".").map(Number)];
  for (let index = 0; index < 3; index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/**
 * A configuration for 1.1.0 runs on plugins that know 1.0.0 only, in 1.0.0; never in a version higher than it asks for.
 * supported: for each plugin of the chain and its IPAM plugin, by name.
 */
export function negotiateVersion(
  { name, cniVersion, cniVersions }: NetworkConfiguration,
  supported: ReadonlyMap<string, readonly string[]>,
): string {
  const highest = [cniVersion, ...cniVersions].reduce((a, b) => (compareVersions(a, b) < 0 ? b : a));
  const version = knownVersions.find(
    (candidate) =>
      compareVersions(candidate, highest) <= 0 &&
      [...supported.values()].every((versions) => versions.includes(candidate)),
  );
  if (version !== undefined) return version;
  const plugins = [...supported].map(([plugin, versions]) => `${plugin} (${versions.join(", ")})`).join(", ");
  throw failedPrecondition(
    `network ${name}: no CNI version between 0.3.0 and ${highest} that all plugins speak: ${plugins}`,
  );
}
