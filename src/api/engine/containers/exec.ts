// SPDX-License-Identifier: Apache-2.0

import { defined } from "../../../base/defined.ts";
import { invalidArgument } from "../../../base/errors.ts";
import { raceSignal } from "../../../base/lifetime.ts";
import type { Engine } from "../../../core/lifecycle/engine.ts";
import { type ExecConfig, execInContainer } from "../../../core/lifecycle/exec/exec-container.ts";
import type * as proto from "../../../gen/berth/engine/v1/container_pb.js";
import { forwardInput, nextRequest, toOutput } from "../process-stream.ts";

/** Starts the process, sends its output, and ends with its exit code. */
export async function* exec(engine: Engine, requests: AsyncIterable<proto.ExecRequest>, signal: AbortSignal) {
  const input = requests[Symbol.asyncIterator]();
  const { request } = await nextRequest(input);
  if (request.case !== "open") throw invalidArgument("an exec begins with its open request");
  const { config, size } = request.value;
  const options = fromExecMessage(config);
  const started = await execInContainer(engine, config?.container ?? "", options, {
    stdin: config?.stdin ?? false,
    detached: false,
    ...(size !== undefined && { size: { width: size.width, height: size.height } }),
    signal,
  });
  try {
    yield { response: { case: "started" as const, value: { execId: started.id, pid: started.pid } } };
    await using forwarding = forwardInput(input, config?.stdin === true ? started : undefined);
    for await (const chunk of started.output) {
      forwarding.throwIfFailed();
      yield { response: { case: "output" as const, value: toOutput(chunk) } };
    }
    const { exitCode } = await raceSignal(started.exit, signal);
    yield { response: { case: "exit" as const, value: { exitCode } } };
  } finally {
    // Nobody can come back to an exec: without its client it would wait for input for ever.
    if (signal.aborted) engine.background.run(`end the input of exec ${started.id}`, () => started.endStdin());
  }
}

export async function execDetached(
  engine: Engine,
  request: proto.ExecDetachedRequest,
  signal: AbortSignal,
): Promise<{ execId: string }> {
  const started = await execInContainer(engine, request.config?.container ?? "", fromExecMessage(request.config), {
    stdin: false,
    detached: true,
    signal,
  });
  return { execId: started.id };
}

function fromExecMessage(message: proto.ExecConfig | undefined): ExecConfig {
  if (message === undefined || message.command.length === 0) throw invalidArgument("no exec command specified");
  return {
    command: message.command,
    environment: message.environment,
    terminal: message.terminal,
    privileged: message.privileged,
    ...defined({ workingDirectory: message.workingDirectory, user: message.user }),
  };
}
