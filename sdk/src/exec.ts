// SPDX-License-Identifier: Apache-2.0
// The stream of an exec: like an attach, and it ends with the exit code.

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Client } from "@connectrpc/connect";
import type { ContainerService, ExecOpenSchema, ExecResponse } from "../../src/gen/berth/engine/v1/container_pb.js";
import { BerthError } from "./errors.ts";
import {
  type OutputChunk,
  openProcessStream,
  type ProcessInput,
  type ProcessStream,
  toChunk,
} from "./process-stream.ts";

/** Owned by the caller; close leaves the process running. */
export interface ExecStreams extends ProcessInput {
  readonly id: string;
  readonly pid: number;
  /** Read it to its end: exitCode resolves after that. */
  readonly output: AsyncIterable<OutputChunk>;
  readonly exitCode: Promise<number>;
}

/** Started when it resolves. */
export async function openExec(
  client: Client<typeof ContainerService>,
  open: MessageInitShape<typeof ExecOpenSchema>,
  signal: AbortSignal | undefined,
): Promise<ExecStreams> {
  const stream = await openProcessStream(client.exec.bind(client), open, signal);
  const response = stream.first?.response;
  if (response?.case !== "started") {
    throw new BerthError("unavailable", "the daemon ended the stream before the process started");
  }
  const { promise: exitCode, resolve, reject } = Promise.withResolvers<number>();
  exitCode.catch(() => {
    // Seen by whoever awaits it.
  });
  const { execId: id, pid } = response.value;
  return { ...stream.input, id, pid, exitCode, output: readOutput(stream, { resolve, reject }) };
}

async function* readOutput(
  { responses, closed }: ProcessStream<ExecResponse>,
  exit: { readonly resolve: (code: number) => void; readonly reject: (error: unknown) => void },
): AsyncGenerator<OutputChunk> {
  try {
    for (let next = await responses.next(); next.done !== true; next = await responses.next()) {
      const { response } = next.value;
      if (response.case === "output") yield toChunk(response.value);
      else if (response.case === "exit") exit.resolve(response.value.exitCode);
    }
    exit.reject(new BerthError("unavailable", "the daemon ended the stream before the process ended"));
  } catch (error) {
    exit.reject(error);
    if (!closed.aborted) throw error;
  } finally {
    // Nothing after the end was read: only a reader that left early is still to be told.
    exit.reject(new BerthError("cancelled", "the output was not read to its end"));
  }
}
