// SPDX-License-Identifier: Apache-2.0
// Pods, as a program sees them: their orchestrator makes and removes them.

import { type Client, createClient, type Transport } from "@connectrpc/connect";
import { type Pod, PodService } from "../../src/gen/berth/engine/v1/pod_pb.js";
import type { CallOptions } from "./containers.ts";
import { BerthError } from "./errors.ts";

export class Pods {
  readonly #client: Client<typeof PodService>;

  constructor(transport: Transport) {
    this.#client = createClient(PodService, transport);
  }

  /** Newest first, whatever their state. filters: id, name, namespace, state (ready, not-ready), label. */
  async list(
    options: CallOptions & { readonly filters?: Readonly<Record<string, readonly string[]>> } = {},
  ): Promise<readonly Pod[]> {
    const filters = Object.fromEntries(
      Object.entries(options.filters ?? {}).map(([key, values]) => [key, { values: [...values] }]),
    );
    return (await this.#client.list({ filters }, call(options))).pods;
  }

  /** pod: a full id, a unique prefix of one, "namespace/name" or a name. */
  async inspect(pod: string, options: CallOptions = {}): Promise<Pod> {
    const response = await this.#client.inspect({ pod }, call(options));
    if (response.pod === undefined) throw new BerthError("internal", `the daemon sent no pod for ${pod}`);
    return response.pod;
  }
}

function call({ signal }: CallOptions): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
