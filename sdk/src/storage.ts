// SPDX-License-Identifier: Apache-2.0
// What takes room on disk, and getting it back.

import { type Client, createClient, type Transport } from "@connectrpc/connect";
import { type DiskUsageResponse, StorageService } from "../../src/gen/berth/engine/v1/storage_pb.js";
import type { CallOptions } from "./containers.ts";
import { filterMessages, type ListFilters, type PruneResult } from "./volumes.ts";

type PruneOptions = CallOptions & { readonly filters?: ListFilters };

export class Storage {
  readonly #client: Client<typeof StorageService>;

  constructor(transport: Transport) {
    this.#client = createClient(StorageService, transport);
  }

  /** Measures now. details: with each image, container and volume. */
  async diskUsage(options: CallOptions & { readonly details?: boolean } = {}): Promise<DiskUsageResponse> {
    return await this.#client.diskUsage({ details: options.details ?? false }, call(options));
  }

  /** Removes the containers that do not run, but those of pods. filters: until, label, label!. */
  async pruneContainers(options: PruneOptions = {}): Promise<PruneResult> {
    const request = { filters: filterMessages(options.filters) };
    const { ids, reclaimedBytes } = await this.#client.pruneContainers(request, call(options));
    return { removed: ids, reclaimedBytes };
  }

  /** Removes images that no container uses. filters: until, label, label!, and dangling=false for those with names too. */
  async pruneImages(options: PruneOptions = {}): Promise<PruneResult & { readonly untagged: readonly string[] }> {
    const request = { filters: filterMessages(options.filters) };
    const { untagged, deleted, reclaimedBytes } = await this.#client.pruneImages(request, call(options));
    return { untagged, removed: deleted, reclaimedBytes };
  }
}

function call({ signal }: CallOptions): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
