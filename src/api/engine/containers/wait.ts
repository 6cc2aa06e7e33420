// SPDX-License-Identifier: Apache-2.0

import type { Engine } from "../../../core/lifecycle/engine.ts";
import { parseWaitCondition, waitContainer } from "../../../core/lifecycle/wait-container.ts";
import type { WaitContainerRequest } from "../../../gen/berth/engine/v1/container_pb.js";

/** Says first that the waiter is registered, so that a client may start the container without a race. */
export async function* wait(engine: Engine, request: WaitContainerRequest, signal: AbortSignal) {
  const condition = parseWaitCondition(request.condition);
  // What is not there is told before anybody believes that the wait has begun.
  const { id } = engine.registry.get(request.container);
  const exit = waitContainer(engine, id, { condition, signal });
  exit.catch(() => {
    // Thrown by the await below.
  });
  yield { event: { case: "registered" as const, value: true } };
  const { exitCode, error } = await exit;
  yield { event: { case: "exit" as const, value: { exitCode, error } } };
}
