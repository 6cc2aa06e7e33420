// SPDX-License-Identifier: Apache-2.0
// The events that shims send to the daemon's socket. Exits are asked for with Wait, which cannot be missed; of the events
// only out-of-memory kills are remembered, the others are logged.

import { fromBinary } from "@bufbuild/protobuf";
import type { Logger } from "../../../base/log.ts";
import { TaskOOMSchema } from "../../../gen/containerd/events/task_pb.js";
import { Events } from "../../../gen/containerd/services/events/ttrpc/v1/events_pb.js";
import { TtrpcServer } from "../../../host/ttrpc/server.ts";

/** Listens until it is disposed. */
export class ShimEvents implements AsyncDisposable {
  readonly #server: TtrpcServer;
  readonly #logger: Logger;
  readonly #oomKilled = new Set<string>();

  constructor(logger: Logger) {
    this.#logger = logger;
    this.#server = new TtrpcServer({ logger });
    this.#server.serve(Events, {
      forward: async ({ envelope }) => {
        if (envelope?.event !== undefined) this.#onEvent(envelope.topic, envelope.event);
        return {};
      },
    });
  }

  async listen(path: string): Promise<void> {
    await this.#server.listen(path);
  }

  /** Whether a shim has reported that the OOM killer hit this task. */
  oomKilled(id: string): boolean {
    return this.#oomKilled.has(id);
  }

  forget(id: string): void {
    this.#oomKilled.delete(id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }

  #onEvent(topic: string, event: { readonly typeUrl: string; readonly value: Uint8Array }): void {
    this.#logger.debug({ topic }, "a shim sent an event");
    // containerd's types have no "type.googleapis.com/" before their name.
    if (event.typeUrl.split("/").at(-1) !== TaskOOMSchema.typeName) return;
    const message = fromBinary(TaskOOMSchema, event.value);
    this.#oomKilled.add(message.containerId);
  }
}
