// SPDX-License-Identifier: Apache-2.0
// The daemon itself, as a program sees it.

import { type Client, createClient, type Transport } from "@connectrpc/connect";
import {
  type Event,
  type InfoResponse,
  SystemService,
  type VersionResponse,
} from "../../src/gen/berth/engine/v1/system_pb.js";
import type { CallOptions } from "./containers.ts";
import { responsesOf } from "./responses.ts";

export interface EventOptions extends CallOptions {
  /** Nanoseconds since 1970. */
  readonly sinceNano?: bigint | undefined;
  readonly untilNano?: bigint | undefined;
  readonly filters?: Readonly<Record<string, readonly string[]>>;
  /** Called when the daemon has registered the listener. */
  readonly onReady?: () => void;
}

export class System {
  readonly #client: Client<typeof SystemService>;

  constructor(transport: Transport) {
    this.#client = createClient(SystemService, transport);
  }

  async version(options: CallOptions = {}): Promise<VersionResponse> {
    return await this.#client.version({}, options.signal === undefined ? {} : { signal: options.signal });
  }

  async info(options: CallOptions = {}): Promise<InfoResponse> {
    return await this.#client.info({}, options.signal === undefined ? {} : { signal: options.signal });
  }

  /** What happens, from now on or from sinceNano on; ends at untilNano. */
  async *events(options: EventOptions = {}): AsyncGenerator<Event> {
    const filters = Object.fromEntries(
      Object.entries(options.filters ?? {}).map(([key, values]) => [key, { values: [...values] }]),
    );
    const request = {
      filters,
      ...(options.sinceNano !== undefined && { sinceNano: options.sinceNano }),
      ...(options.untilNano !== undefined && { untilNano: options.untilNano }),
    };
    const responses = responsesOf(options.signal, (call) => this.#client.events(request, call));
    for await (const { event } of responses) {
      if (event === undefined) options.onReady?.();
      else yield event;
    }
  }
}
