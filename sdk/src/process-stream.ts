// SPDX-License-Identifier: Apache-2.0
// What the streams of attach and exec have in common: the first request opens, later ones carry input; the first response
// says that it is open, later ones carry output.

import { type Output, OutputStream } from "../../src/gen/berth/engine/v1/container_pb.js";
import { Queue } from "./queue.ts";

/** A piece of what the process wrote. */
export interface OutputChunk {
  readonly stream: "stdout" | "stderr";
  readonly data: Uint8Array;
}

/** The way to the process. */
export interface ProcessInput {
  /** Resolves when it is on its way. */
  write(data: Uint8Array): Promise<void>;
  endStdin(): void;
  /** Leaves the stream; the process goes on. */
  close(): void;
}

interface StreamRequest<Open> {
  readonly request:
    | { readonly case: "open"; readonly value: Open }
    | { readonly case: "stdin"; readonly value: Uint8Array }
    | { readonly case: "stdinEnd"; readonly value: boolean };
}

/** A stream after its first response. */
export interface ProcessStream<Response> {
  /** undefined when the daemon ended the stream instead. */
  readonly first: Response | undefined;
  /** What follows. */
  readonly responses: AsyncIterator<Response>;
  readonly input: ProcessInput;
  /** Aborted by input.close: that the stream then fails is no failure. */
  readonly closed: AbortSignal;
}

/** Opens the stream and waits for its first response. */
export async function openProcessStream<Open, Response>(
  call: (
    requests: AsyncIterable<StreamRequest<Open>>,
    options: { readonly signal: AbortSignal },
  ) => AsyncIterable<Response>,
  open: Open,
  signal: AbortSignal | undefined,
): Promise<ProcessStream<Response>> {
  const requests = new Queue<StreamRequest<Open>>();
  const closing = new AbortController();
  const either = signal === undefined ? closing.signal : AbortSignal.any([signal, closing.signal]);
  const responses = call(requests, { signal: either })[Symbol.asyncIterator]();
  void requests.push({ request: { case: "open", value: open } });
  const first = await responses.next();
  return {
    first: first.done === true ? undefined : first.value,
    responses,
    input: {
      write: async (data) => await requests.push({ request: { case: "stdin", value: data } }),
      endStdin: () => void requests.push({ request: { case: "stdinEnd", value: true } }),
      close: () => {
        requests.end();
        closing.abort();
      },
    },
    closed: closing.signal,
  };
}

/** Output as programs see it. */
export function toChunk(output: Output): OutputChunk {
  return { stream: output.stream === OutputStream.STDERR ? "stderr" : "stdout", data: output.data };
}
