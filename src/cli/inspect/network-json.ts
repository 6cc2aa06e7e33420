// SPDX-License-Identifier: Apache-2.0
// A network in the shape of docker network inspect. What its file does not say is left out.

import type { Network, NetworkEndpoint } from "@berth/sdk";

/** What inspect prints for a network. */
export function networkJson({
  id,
  name,
  driver,
  subnets,
  configuredName,
  endpoints,
}: Network): Record<string, unknown> {
  const on = (isPod: boolean) =>
    Object.fromEntries(
      endpoints.filter((endpoint) => endpoint.isPod === isPod).map((endpoint) => [endpoint.id, endpointJson(endpoint)]),
    );
  return {
    Name: name,
    Id: id,
    Scope: "local",
    Driver: driver,
    EnableIPv4: subnets.some((subnet) => !subnet.includes(":")),
    EnableIPv6: subnets.some((subnet) => subnet.includes(":")),
    IPAM: { Driver: "default", Options: null, Config: subnets.map((Subnet) => ({ Subnet })) },
    ConfiguredName: configuredName,
    Containers: on(false),
    Pods: on(true),
    Options: {},
    Labels: {},
  };
}

function endpointJson({ name, macAddress, addresses }: NetworkEndpoint): Record<string, unknown> {
  return {
    Name: name,
    MacAddress: macAddress,
    IPv4Address: addresses.find((address) => !address.includes(":")) ?? "",
    IPv6Address: addresses.find((address) => address.includes(":")) ?? "",
  };
}
