// SPDX-License-Identifier: Apache-2.0
// One forwarded connection, however it is carried: data both ways and, beside it, a text that says why it failed.

import { messageOf, toEngineError } from "../../../base/errors.ts";
import type { Logger } from "../../../base/log.ts";
import type { ForwardedStreams, StreamingRuntime } from "./streaming-runtime.ts";

/** Where the connections of one request go. */
export interface ForwardTarget {
  readonly runtime: StreamingRuntime;
  readonly sandboxId: string;
  readonly log: Logger;
}

/** The peer's end of a connection. */
export interface PeerConnection extends ForwardedStreams {
  /** No more output comes. */
  end(): Promise<void>;
  /** Says why, and ends both directions. */
  fail(message: string): Promise<void>;
}

/** Runs the connection to its end and tells the peer; never throws. */
export async function forwardPort(
  target: ForwardTarget,
  port: number,
  peer: PeerConnection,
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  const { runtime, sandboxId, log } = target;
  try {
    try {
      await runtime.portForward({ sandboxId, port }, { input: peer.input, output: peer.output }, { signal });
    } catch (error) {
      if (signal.aborted) return;
      log.debug({ sandbox: sandboxId, port, error: toEngineError(error) }, "a forwarded connection failed");
      return await peer.fail(`error forwarding port ${port} to pod ${sandboxId}: ${messageOf(error)}`);
    }
    await peer.end();
  } catch {
    // The peer has gone meanwhile: nobody is left to be told.
  }
}
