// SPDX-License-Identifier: Apache-2.0
// The files of containers, as a program sees them.

import { type Client, createClient, type Transport } from "@connectrpc/connect";
import { ContainerFilesService, type FileChange } from "../../src/gen/berth/engine/v1/container_files_pb.js";
import type { CallOptions } from "./containers.ts";

export class ContainerFiles {
  readonly #client: Client<typeof ContainerFilesService>;

  constructor(transport: Transport) {
    this.#client = createClient(ContainerFilesService, transport);
  }

  /** What the container has changed in its image's file system, sorted by path. */
  async changes(container: string, options: CallOptions = {}): Promise<readonly FileChange[]> {
    return (await this.#client.changes({ container }, call(options))).changes;
  }
}

function call({ signal }: CallOptions): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
