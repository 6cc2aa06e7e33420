// SPDX-License-Identifier: Apache-2.0
// Networks, as a program sees them: they are configured in files.

import { type Client, createClient, type Transport } from "@connectrpc/connect";
import { type Network, NetworkService } from "../../src/gen/berth/engine/v1/network_pb.js";
import type { CallOptions } from "./containers.ts";
import { BerthError } from "./errors.ts";
import { filterMessages, type ListFilters } from "./volumes.ts";

export class Networks {
  readonly #client: Client<typeof NetworkService>;

  constructor(transport: Transport) {
    this.#client = createClient(NetworkService, transport);
  }

  /** By name. filters: id, name, driver, scope, type, dangling, label. */
  async list(options: CallOptions & { readonly filters?: ListFilters } = {}): Promise<readonly Network[]> {
    return (await this.#client.list({ filters: filterMessages(options.filters) }, call(options))).networks;
  }

  /** network: a name, a full id or a unique prefix of one. */
  async inspect(network: string, options: CallOptions = {}): Promise<Network> {
    const response = await this.#client.inspect({ network }, call(options));
    if (response.network === undefined) throw new BerthError("internal", `the daemon sent no network for ${network}`);
    return response.network;
  }
}

function call({ signal }: CallOptions): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
