// SPDX-License-Identifier: Apache-2.0
// What attach and exec have in common: input arrives as requests of the stream, output leaves as responses.

import { cancelled, type EngineError, hasCode, toEngineError } from "../../base/errors.ts";
import type { OutputChunk } from "../../core/streams/process-streams.ts";
import { OutputStream } from "../../gen/berth/engine/v1/container_pb.js";

interface InputRequest {
  readonly request:
    | { readonly case: "stdin"; readonly value: Uint8Array }
    | { readonly case: "stdinEnd"; readonly value: boolean }
    | { readonly case: "open"; readonly value: unknown }
    | { readonly case: undefined; readonly value?: undefined };
}

interface InputTarget {
  writeStdin(data: Uint8Array): Promise<void>;
  endStdin(): Promise<void>;
}

/** The next message of the client; cancelled when there is none. */
export async function nextRequest<T>(requests: AsyncIterator<T>): Promise<T> {
  const next = await requests.next();
  if (next.done === true) throw cancelled("the client ended the stream before it began");
  return next.value;
}

/** A piece of output as the streams carry it. */
export function toOutput({ stream, data }: OutputChunk): { stream: OutputStream; data: Uint8Array } {
  return { stream: stream === "stderr" ? OutputStream.STDERR : OutputStream.STDOUT, data };
}

/** Owned by the stream's handler; disposing stops the forwarding. */
export interface InputForwarding extends AsyncDisposable {
  /** Throws what kept input from the process. */
  throwIfFailed(): void;
}

/**
 * Passes what the client sends to the process until the client says that its input ends. The end of the stream itself
 * is not the end of input: the client detaches. Without a target input is read and dropped.
 */
export function forwardInput(requests: AsyncIterator<InputRequest>, target: InputTarget | undefined): InputForwarding {
  let failure: EngineError | undefined;
  let stopped = false;
  const done = (async () => {
    for (let next = await requests.next(); next.done !== true && !stopped; next = await requests.next()) {
      const { request } = next.value;
      if (target === undefined) continue;
      if (request.case === "stdin") await target.writeStdin(request.value);
      else if (request.case === "stdinEnd") await target.endStdin();
    }
  })().catch((error: unknown) => {
    // A process that has closed its input, or ended, takes no more: its output says how it goes on.
    if (!stopped && !hasCode(error, "failed-precondition") && !hasCode(error, "cancelled"))
      failure = toEngineError(error);
  });
  return {
    throwIfFailed() {
      if (failure !== undefined) throw failure;
    },
    async [Symbol.asyncDispose]() {
      stopped = true;
      // The iterator ends with the call's own signal; waiting for it here could hold up the last response.
      void done;
      await Promise.resolve();
    },
  };
}
