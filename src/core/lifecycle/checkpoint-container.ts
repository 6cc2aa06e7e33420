// SPDX-License-Identifier: Apache-2.0
// Checkpoints: a container that runs is written down, memory, processes and changed files, and runs on. It stands still
// meanwhile, so that all parts are of the same moment; a daemon that dies over it leaves a mark for the next one.

import { failedPrecondition, hasCode } from "../../base/errors.ts";
import { failpoint } from "../../base/failpoint.ts";
import { cleanup } from "../../base/lifetime.ts";
import type { ContainerRecord } from "../containers/container.ts";
import type { CheckpointRequest, Task } from "../tasks/task-runtime.ts";
import type { Engine } from "./engine.ts";
import { containerEvent } from "./state/container-events.ts";

export interface CheckpointPlaces extends CheckpointRequest {
  /** The file for what it changed in its image's file system. */
  readonly diffFile: string;
}

/**
 * The record as it was at that moment. Goes on until the runtime has ended, also when the signal aborts: call it where
 * nobody waits. What was written when it fails is the caller's to remove.
 */
export async function checkpointContainer(
  engine: Engine,
  reference: string,
  { diffFile, ...request }: CheckpointPlaces,
  { signal }: { readonly signal: AbortSignal },
): Promise<ContainerRecord> {
  const { id } = engine.registry.get(reference);
  using _held = await engine.locks.acquire(id, { signal });
  const record = engine.registry.get(id);
  const running = engine.running.get(id);
  if (running === undefined) {
    throw failedPrecondition(`container ${id} is ${record.state.status}: only one that runs can be checkpointed`);
  }
  await running.task.probeCheckpoint({ signal });
  await standingStill(engine, record, running.task, async () => {
    await running.task.checkpoint(request, { signal });
    await failpoint("checkpoint-container:dumped");
    await engine.snapshotter.writeDiff(record.snapshotKey, diffFile, { signal });
  });
  engine.events.publish(containerEvent("checkpoint", record));
  return record;
}

/** Does the work while a running container stands still; one that is paused stays so. */
export async function standingStill(
  engine: Engine,
  record: ContainerRecord,
  task: Task,
  work: () => Promise<void>,
): Promise<void> {
  if (record.state.status === "paused") {
    await work();
    return;
  }
  await engine.registry.updateState(record.id, { checkpointing: true });
  try {
    await cleanup(async (signal) => await task.pause({ signal }));
    await work();
  } finally {
    await cleanup(async (signal) => await letGoOn(engine, record, task, { signal }));
  }
}

/** What stood still for a checkpoint runs again, or has ended. */
export async function letGoOn(
  engine: Engine,
  { id }: ContainerRecord,
  task: Task,
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  try {
    await task.resume({ signal });
  } catch (error) {
    // It ended, or the runtime or criu has thawed it already.
    if (!hasCode(error, "not-found") && (await task.status({ signal })) === "paused") throw error;
  }
  await engine.registry.updateState(id, { checkpointing: false });
}
