// SPDX-License-Identifier: Apache-2.0
// The files of containers, as a program sees them.

import { type Client, createClient, type Transport } from "@connectrpc/connect";
import { ContainerFilesService, type FileChange } from "../../src/gen/berth/engine/v1/container_files_pb.js";
import type { CallOptions } from "./containers.ts";
import { responsesOf } from "./responses.ts";

export class ContainerFiles {
  readonly #client: Client<typeof ContainerFilesService>;

  constructor(transport: Transport) {
    this.#client = createClient(ContainerFilesService, transport);
  }

  /** What the container has changed in its image's file system, sorted by path. */
  async changes(container: string, options: CallOptions = {}): Promise<readonly FileChange[]> {
    return (await this.#client.changes({ container }, call(options))).changes;
  }

  /** Makes an image of the container's image and what it changed; the id. A running one stands still meanwhile. */
  async commit(
    container: string,
    options: CallOptions & {
      readonly reference?: string | undefined;
      readonly author?: string | undefined;
      readonly message?: string | undefined;
      readonly changes?: readonly string[];
      readonly pause?: boolean;
    } = {},
  ): Promise<string> {
    const { reference = "", author = "", message = "", changes = [], pause = true } = options;
    const request = { container, reference, author, message, changes: [...changes], noPause: !pause };
    return (await this.#client.commit(request, call(options))).id;
  }

  /** The container's root filesystem as a tar, without what is mounted in it. */
  async *export(container: string, options: CallOptions = {}): AsyncGenerator<Uint8Array> {
    const request = { container };
    for await (const { chunk } of responsesOf(options.signal, (call) => this.#client.export(request, call)))
      yield chunk;
  }
}

function call({ signal }: CallOptions): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
