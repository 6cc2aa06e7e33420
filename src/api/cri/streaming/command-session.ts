// SPDX-License-Identifier: Apache-2.0
// A peer that has come to exec or attach: SPDY and WebSocket differ in how they carry its streams, and in nothing else.

import type { CommandStatus } from "./command-status.ts";
import type { StreamedProcess } from "./streaming-runtime.ts";

/** Its owner finishes it, whatever happened. */
export interface CommandSession {
  readonly streams: StreamedProcess;
  /** Aborts when the peer has gone. */
  readonly signal: AbortSignal;
  /** Ends the output, says how it ended, and waits until the peer hangs up or the signal aborts; never throws. */
  finish(status: CommandStatus, options: { readonly signal: AbortSignal }): Promise<void>;
}
