// SPDX-License-Identifier: Apache-2.0

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { NetworkAttachment } from "../../../core/networks/network-driver.ts";
import type { NetworkAttachmentSchema } from "../../../gen/berth/engine/v1/container_pb.js";

/** What clients see of a sandbox's attachment to a network. */
export function networkMessage({ network, interfaceName, macAddress, addresses }: NetworkAttachment) {
  return {
    network,
    interfaceName,
    macAddress,
    addresses: addresses.map(({ address }) => address),
    gateways: addresses.flatMap(({ gateway }) => (gateway === undefined ? [] : [gateway])),
  } satisfies MessageInitShape<typeof NetworkAttachmentSchema>;
}
