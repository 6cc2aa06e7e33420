// SPDX-License-Identifier: Apache-2.0
// Volumes, as a program sees them.

import { type Client, createClient, type Transport } from "@connectrpc/connect";
import { type Volume, VolumeService } from "../../src/gen/berth/engine/v1/volume_pb.js";
import type { CallOptions } from "./containers.ts";
import { BerthError } from "./errors.ts";

/** What a prune removed. */
export interface PruneResult {
  /** Names or ids. */
  readonly removed: readonly string[];
  readonly reclaimedBytes: bigint;
}

/** Docker's filters: values by key. */
export type ListFilters = Readonly<Record<string, readonly string[]>>;

export class Volumes {
  readonly #client: Client<typeof VolumeService>;

  constructor(transport: Transport) {
    this.#client = createClient(VolumeService, transport);
  }

  /** One without a name gets a random one; one that is there already is answered with as it is. */
  async create(
    options: CallOptions & {
      readonly name?: string | undefined;
      readonly driver?: string | undefined;
      readonly driverOptions?: Readonly<Record<string, string>>;
      readonly labels?: Readonly<Record<string, string>>;
    } = {},
  ): Promise<Volume> {
    const { name = "", driver = "", driverOptions = {}, labels = {} } = options;
    const request = { name, driver, options: { ...driverOptions }, labels: { ...labels } };
    return present((await this.#client.create(request, call(options))).volume, name);
  }

  /** By name. filters: name, driver, label, dangling. */
  async list(options: CallOptions & { readonly filters?: ListFilters } = {}): Promise<readonly Volume[]> {
    return (await this.#client.list({ filters: filterMessages(options.filters) }, call(options))).volumes;
  }

  async inspect(volume: string, options: CallOptions = {}): Promise<Volume> {
    return present((await this.#client.inspect({ volume }, call(options))).volume, volume);
  }

  /** force: succeeds when there is none. conflict, which says by whom, while a container has it. */
  async remove(volume: string, options: CallOptions & { readonly force?: boolean } = {}): Promise<void> {
    await this.#client.remove({ volume, force: options.force ?? false }, call(options));
  }

  /** Removes the anonymous ones that no container has. filters: label, label!, and all=true for those with names too. */
  async prune(options: CallOptions & { readonly filters?: ListFilters } = {}): Promise<PruneResult> {
    const request = { filters: filterMessages(options.filters) };
    const { names, reclaimedBytes } = await this.#client.prune(request, call(options));
    return { removed: names, reclaimedBytes };
  }
}

/** Filters as a request takes them. */
export function filterMessages(filters: ListFilters = {}): Record<string, { values: string[] }> {
  return Object.fromEntries(Object.entries(filters).map(([key, values]) => [key, { values: [...values] }]));
}

function present(volume: Volume | undefined, name: string): Volume {
  if (volume === undefined) throw new BerthError("internal", `the daemon sent no volume for ${name}`);
  return volume;
}

function call({ signal }: CallOptions): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
