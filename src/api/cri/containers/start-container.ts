// SPDX-License-Identifier: Apache-2.0

import { failedPrecondition } from "../../../base/errors.ts";
import { startContainer as startInEngine } from "../../../core/lifecycle/start-container.ts";
import * as cri from "../../../gen/runtime/v1/api_pb.js";
import type { CriRuntime, Waiting } from "../runtime/deps.ts";
import { getContainer } from "../runtime/find.ts";
import { containerState } from "./container-message.ts";

/** Once only: an orchestrator makes a new container for another try. */
export async function startContainer(
  { engine }: CriRuntime,
  { containerId }: cri.StartContainerRequest,
  { signal }: Waiting,
) {
  const record = getContainer(engine, containerId);
  const state = containerState(record);
  if (state !== cri.ContainerState.CONTAINER_CREATED) throw notCreated(record.id, cri.ContainerState[state]);
  const { alreadyRunning } = await startInEngine(engine, record.id, { signal });
  if (alreadyRunning) throw notCreated(record.id, "CONTAINER_RUNNING");
  return {};
}

function notCreated(id: string, state: string): Error {
  return failedPrecondition(`container ${id} is in state ${state}: only a created one can be started`);
}
