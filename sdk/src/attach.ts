// SPDX-License-Identifier: Apache-2.0
// The stream of an attach: output one way, input the other.

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Client } from "@connectrpc/connect";
import {
  type AttachOpenSchema,
  type AttachRequestSchema,
  type AttachResponse,
  type ContainerService,
  type Output,
  OutputStream,
} from "../../src/gen/berth/engine/v1/container_pb.js";
import { BerthError } from "./errors.ts";
import { Queue } from "./queue.ts";

export interface OutputChunk {
  readonly stream: "stdout" | "stderr";
  readonly data: Uint8Array;
}

/** Owned by the caller; close leaves the container running. */
export interface AttachedStreams {
  /** With a terminal all output is stdout. */
  readonly terminal: boolean;
  /** Ends when the process has closed its output. */
  readonly output: AsyncIterable<OutputChunk>;
  /** Resolves when it is on its way. */
  write(data: Uint8Array): Promise<void>;
  endStdin(): void;
  /** Detaches. */
  close(): void;
}

export async function openAttach(
  client: Client<typeof ContainerService>,
  open: MessageInitShape<typeof AttachOpenSchema>,
  signal: AbortSignal | undefined,
): Promise<AttachedStreams> {
  const requests = new Queue<MessageInitShape<typeof AttachRequestSchema>>();
  const controller = new AbortController();
  const responses = client
    .attach(requests, {
      signal: signal === undefined ? controller.signal : AbortSignal.any([signal, controller.signal]),
    })
    [Symbol.asyncIterator]();
  void requests.push({ request: { case: "open", value: open } });
  const first = await responses.next();
  if (first.done === true || first.value.response.case !== "attached") {
    throw new BerthError("unavailable", "the daemon ended the stream before it was attached");
  }
  return {
    terminal: first.value.response.value.terminal,
    output: outputOf(responses, controller),
    write: async (data) => await requests.push({ request: { case: "stdin", value: data } }),
    endStdin: () => {
      void requests.push({ request: { case: "stdinEnd", value: true } });
    },
    close: () => {
      requests.end();
      controller.abort();
    },
  };
}

async function* outputOf(
  responses: AsyncIterator<AttachResponse>,
  controller: AbortController,
): AsyncGenerator<OutputChunk> {
  try {
    for (let next = await responses.next(); next.done !== true; next = await responses.next()) {
      if (next.value.response.case === "output") yield toChunk(next.value.response.value);
    }
  } catch (error) {
    // Detaching ends the stream; it is not a failure.
    if (!controller.signal.aborted) throw error;
  }
}

export function toChunk(output: Output): OutputChunk {
  return { stream: output.stream === OutputStream.STDERR ? "stderr" : "stdout", data: output.data };
}
