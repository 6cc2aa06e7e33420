// SPDX-License-Identifier: Apache-2.0

import { type EngineError, messageOf } from "../../../base/errors.ts";
import type { Logger } from "../../../base/log.ts";
import type { Call } from "./call.ts";

/** The calls whose handlers run; who closes the server ends them here. */
export class RunningCalls {
  readonly #running = new Map<Call, Promise<void>>();
  readonly #logger: Logger;
  #noStreams: EngineError | undefined;
  #noCalls: EngineError | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Starts the work, which answers the call whatever happens. One that comes too late begins aborted. */
  run(call: Call, work: () => Promise<void>): void {
    const refusal = this.#noCalls ?? (call.isStream ? this.#noStreams : undefined);
    if (refusal !== undefined) call.abort(refusal);
    const promise = work()
      .catch((error: unknown) => this.#logger.warn({ err: error }, `after the end of a call: ${messageOf(error)}`))
      .finally(() => this.#running.delete(call));
    this.#running.set(call, promise);
  }

  /** Ends the streams, also those to come: many never end by themselves. */
  abortStreams(reason: EngineError): void {
    this.#noStreams ??= reason;
    for (const call of this.#running.keys()) if (call.isStream) call.abort(reason);
  }

  /** Ends every call, also those to come. */
  abortAll(reason: EngineError): void {
    this.#noCalls ??= reason;
    for (const call of this.#running.keys()) call.abort(reason);
  }

  /** Resolves once no handler runs. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.values());
  }
}
