// SPDX-License-Identifier: Apache-2.0
// The stream of an attach: output one way, input the other.

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Client } from "@connectrpc/connect";
import type { AttachOpenSchema, AttachResponse, ContainerService } from "../../src/gen/berth/engine/v1/container_pb.js";
import { BerthError } from "./errors.ts";
import {
  type OutputChunk,
  openProcessStream,
  type ProcessInput,
  type ProcessStream,
  toChunk,
} from "./process-stream.ts";

/** Owned by the caller; close detaches and leaves the container running. */
export interface AttachedStreams extends ProcessInput {
  /** With a terminal all output is stdout. */
  readonly terminal: boolean;
  /** Ends when the process has closed its output. */
  readonly output: AsyncIterable<OutputChunk>;
}

/** Attached when it resolves: output from then on is not missed. */
export async function openAttach(
  client: Client<typeof ContainerService>,
  open: MessageInitShape<typeof AttachOpenSchema>,
  signal: AbortSignal | undefined,
): Promise<AttachedStreams> {
  const stream = await openProcessStream(client.attach.bind(client), open, signal);
  const response = stream.first?.response;
  if (response?.case !== "attached") {
    throw new BerthError("unavailable", "the daemon ended the stream before it was attached");
  }
  return { ...stream.input, terminal: response.value.terminal, output: outputOf(stream) };
}

async function* outputOf({ responses, closed }: ProcessStream<AttachResponse>): AsyncGenerator<OutputChunk> {
  try {
    for (let next = await responses.next(); next.done !== true; next = await responses.next()) {
      if (next.value.response.case === "output") yield toChunk(next.value.response.value);
    }
  } catch (error) {
    // Detaching ends the stream; it is not a failure.
    if (!closed.aborted) throw error;
  }
}
