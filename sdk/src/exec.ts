// SPDX-License-Identifier: Apache-2.0
// The stream of an exec: like an attach, and it ends with the exit code.

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Client } from "@connectrpc/connect";
import type {
  ContainerService,
  ExecOpenSchema,
  ExecRequestSchema,
  ExecResponse,
} from "../../src/gen/berth/engine/v1/container_pb.js";
import { type OutputChunk, toChunk } from "./attach.ts";
import { BerthError } from "./errors.ts";
import { Queue } from "./queue.ts";

/** Owned by the caller; close leaves the process running. */
export interface ExecStreams {
  readonly id: string;
  readonly pid: number;
  /** Read it to its end: exitCode resolves after that. */
  readonly output: AsyncIterable<OutputChunk>;
  readonly exitCode: Promise<number>;
  write(data: Uint8Array): Promise<void>;
  endStdin(): void;
  close(): void;
}

export async function openExec(
  client: Client<typeof ContainerService>,
  open: MessageInitShape<typeof ExecOpenSchema>,
  signal: AbortSignal | undefined,
): Promise<ExecStreams> {
  const requests = new Queue<MessageInitShape<typeof ExecRequestSchema>>();
  const controller = new AbortController();
  const responses = client
    .exec(requests, { signal: signal === undefined ? controller.signal : AbortSignal.any([signal, controller.signal]) })
    [Symbol.asyncIterator]();
  void requests.push({ request: { case: "open", value: open } });
  const first = await responses.next();
  if (first.done === true || first.value.response.case !== "started") {
    throw new BerthError("unavailable", "the daemon ended the stream before the process started");
  }
  const { promise: exitCode, resolve, reject } = Promise.withResolvers<number>();
  exitCode.catch(() => {
    // Seen by whoever awaits it.
  });
  return {
    id: first.value.response.value.execId,
    pid: first.value.response.value.pid,
    output: readOutput(responses, controller, { resolve, reject }),
    exitCode,
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

async function* readOutput(
  responses: AsyncIterator<ExecResponse>,
  controller: AbortController,
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
    if (!controller.signal.aborted) throw error;
  }
}
