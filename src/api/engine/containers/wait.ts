// SPDX-License-Identifier: Apache-2.0

import type { Engine } from "../../../core/lifecycle/engine.ts";
import { parseWaitCondition, waitContainer } from "../../../core/lifecycle/wait-container.ts";
import type { WaitContainerRequest } from "../../../gen/berth/engine/v1/container_pb.js";

/** Says first that the waiter is registered, so that a client may start the container without a race. */
export async function* wait(engine: Engine, request: WaitContainerRequest, signal: AbortSignal) {
  const condition = parseWaitCondition(request.condition);
  const exit = waitContainer(engine, request.container, { condition, signal });
  exit.catch(() => {
    // Thrown by the await below.
  });
  yield { event: { case: "registered" as const, value: true } };
  const { exitCode, error } = await exit;
  yield { event: { case: "exit" as const, value: { exitCode, error } } };
}
