// SPDX-License-Identifier: Apache-2.0
// NetworkService: each method parses its request, calls core and gives the answer as a message.

import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import type { Engine } from "../../../core/lifecycle/engine.ts";
import {
  findNetwork,
  listNetworks,
  type NetworkView,
  networkFilter,
} from "../../../core/lifecycle/networks/list-networks.ts";
import { type Network, NetworkSchema, type NetworkService } from "../../../gen/berth/engine/v1/network_pb.js";
import { filtersOf } from "../messages.ts";

export function networkService(engine: Engine): ServiceImpl<typeof NetworkService> {
  return {
    async list(request) {
      const matches = networkFilter(filtersOf(request.filters));
      return { networks: (await listNetworks(engine)).filter(matches).map(toNetworkMessage) };
    },
    async inspect(request) {
      return { network: toNetworkMessage(await findNetwork(engine, request.network)) };
    },
  };
}

function toNetworkMessage({ endpoints, subnets, ...network }: NetworkView): Network {
  return create(NetworkSchema, {
    ...network,
    subnets: [...subnets],
    endpoints: endpoints.map(({ addresses, ...endpoint }) => ({ ...endpoint, addresses: [...addresses] })),
  });
}
