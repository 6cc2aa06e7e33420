// SPDX-License-Identifier: Apache-2.0

/** The domain that references use, of an address as people give it to login: https://index.docker.io/v1/ is docker.io. */
export function registryDomain(address: string): string {
  const host = address.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
  return host === "index.docker.io" || host === "registry-1.docker.io" ? "docker.io" : host;
}
