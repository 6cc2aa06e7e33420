// SPDX-License-Identifier: Apache-2.0
// Stops a container and starts it again, as one operation that goes on to its end also when the client that asked for it
// leaves.

import { failedPrecondition } from "../../base/errors.ts";
import { failpoint } from "../../base/failpoint.ts";
import { raceSignal } from "../../base/lifetime.ts";
import type { ContainerRecord } from "../containers/container.ts";
import type { Engine } from "./engine.ts";
import { type StopOptions, stopContainer } from "./kill-container.ts";
import { startContainer } from "./start-container.ts";
import { containerEvent } from "./state/container-events.ts";

/** One that does not run is started. failed-precondition for one of a pod. */
export async function restartContainer(
  engine: Engine,
  reference: string,
  { signal, ...options }: Omit<StopOptions, "onlyOnce">,
): Promise<void> {
  const record = engine.registry.get(reference);
  if (record.pod !== undefined) {
    throw failedPrecondition(
      `container ${record.name} belongs to a pod and cannot be restarted: its orchestrator makes a new one instead`,
    );
  }
  const { promise: restarted, resolve, reject } = Promise.withResolvers<void>();
  engine.background.run(`restart ${record.id}`, async (closing) => {
    await stopAndStart(engine, record, { ...options, signal: closing }).then(resolve, reject);
  });
  await raceSignal(restarted, signal);
}

async function stopAndStart(engine: Engine, record: ContainerRecord, options: StopOptions): Promise<void> {
  const { id } = record;
  const running = engine.running.get(id);
  if (running !== undefined) running.isRestarting = true;
  try {
    await stopContainer(engine, id, options);
  } catch (error) {
    if (running !== undefined) running.isRestarting = false;
    throw error;
  }
  await failpoint("restart-container:stopped");
  await startContainer(engine, id, options);
  engine.events.publish(containerEvent("restart", engine.registry.find(id) ?? record));
}
