// SPDX-License-Identifier: Apache-2.0
// What the engine wants to know of a chain's result.

import { internal } from "../../../base/errors.ts";
import type { NetworkAttachment } from "../../../core/networks/network-driver.ts";
import type { AttachmentRecord } from "./attachment-records.ts";

/** The sandbox's own interface out of the result; internal when the plugins made none. */
export function attachmentOf({ request, result = {} }: AttachmentRecord): NetworkAttachment {
  const interfaces = result.interfaces ?? [];
  const index = interfaces.findIndex(({ name, sandbox }) => name === request.interfaceName && (sandbox ?? "") !== "");
  const own = interfaces[index];
  if (own === undefined && interfaces.length > 0) {
    throw internal(`network ${request.network}: the plugins made no interface ${request.interfaceName}`);
  }
  const ips = (result.ips ?? []).filter((ip) => ip.interface === undefined || ip.interface === index);
  const { nameservers = [], search = [], options = [], domain } = result.dns ?? {};
  return {
    network: request.network,
    interfaceName: request.interfaceName,
    macAddress: own?.mac ?? "",
    addresses: ips.map(({ address, gateway }) => ({ address, ...(gateway === undefined ? {} : { gateway }) })),
    ports: request.ports,
    dns: {
      nameservers,
      search: domain === undefined || domain === "" || search.includes(domain) ? search : [domain, ...search],
      options,
    },
  };
}
