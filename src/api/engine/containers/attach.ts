// SPDX-License-Identifier: Apache-2.0

import { invalidArgument } from "../../../base/errors.ts";
import { attachContainer } from "../../../core/lifecycle/attach-container.ts";
import type { Engine } from "../../../core/lifecycle/engine.ts";
import type { AttachRequest } from "../../../gen/berth/engine/v1/container_pb.js";
import { OutputStream } from "../../../gen/berth/engine/v1/container_pb.js";
import { forwardInput, nextRequest, toOutput } from "../process-stream.ts";
import { logEntries } from "./logs.ts";

/** Says that it is attached, then sends output until the process has closed it or the client leaves. */
export async function* attach(engine: Engine, requests: AsyncIterable<AttachRequest>, signal: AbortSignal) {
  const input = requests[Symbol.asyncIterator]();
  const { request } = await nextRequest(input);
  if (request.case !== "open") throw invalidArgument("an attach begins with its open request");
  const open = request.value;
  const attachment = await attachContainer(engine, open.container, { signal });
  yield { response: { case: "attached" as const, value: { terminal: attachment.record.config.terminal } } };
  if (open.logs) {
    for await (const entry of logEntries(engine, attachment.record, { follow: false, signal })) {
      const stream = entry.stream === OutputStream.STDERR ? OutputStream.STDERR : OutputStream.STDOUT;
      yield { response: { case: "output" as const, value: { stream, data: entry.content } } };
    }
  }
  await using forwarding = forwardInput(input, open.stdin ? attachment : undefined);
  for await (const chunk of attachment.output) {
    forwarding.throwIfFailed();
    yield { response: { case: "output" as const, value: toOutput(chunk) } };
  }
}
