// SPDX-License-Identifier: Apache-2.0
// Containers that stand still: the kernel gives their processes no time until they go on. Exits, signals and removal work
// as ever; a stop lets them go on, so that they can end by themselves.

import { conflict, hasCode } from "../../base/errors.ts";
import { failpoint } from "../../base/failpoint.ts";
import type { ContainerId } from "../../base/ids.ts";
import { cleanup } from "../../base/lifetime.ts";
import type { ContainerRecord } from "../containers/container.ts";
import type { Task } from "../tasks/task-runtime.ts";
import type { Engine } from "./engine.ts";
import { containerEvent } from "./state/container-events.ts";

/** conflict when it does not run, or stands still already. */
export async function pauseContainer(
  engine: Engine,
  reference: string,
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  const { id } = engine.registry.get(reference);
  using _held = await engine.locks.acquire(id, { signal });
  const { task, record } = runningTask(engine, id);
  if (record.state.status === "paused") throw conflict(`container ${id} is already paused`);
  // Once begun it is done whole: nobody could tell which it is.
  await cleanup(async (fresh) => await unlessEnded(id, task, task.pause({ signal: fresh })));
  try {
    await failpoint("pause-container:unrecorded");
    const paused = await engine.registry.updateState(id, { status: "paused" });
    engine.events.publish(containerEvent("pause", paused));
  } catch (error) {
    await cleanup(async (fresh) => await task.resume({ signal: fresh }));
    throw error;
  }
}

/** conflict when it does not stand still. */
export async function unpauseContainer(
  engine: Engine,
  reference: string,
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  const { id } = engine.registry.get(reference);
  using _held = await engine.locks.acquire(id, { signal });
  const { task, record } = runningTask(engine, id);
  if (record.state.status !== "paused") throw conflict(`container ${id} is not paused`);
  await resume(engine, id, task);
}

/** Lets one go on that has been sent a signal to end by: it does not get it before. Does nothing to others. */
export async function resumeToEnd(engine: Engine, id: ContainerId, signal: AbortSignal): Promise<void> {
  if (engine.registry.find(id)?.state.status !== "paused") return;
  using _held = await engine.locks.acquire(id, { signal });
  const running = engine.running.get(id);
  if (running === undefined || engine.registry.find(id)?.state.status !== "paused") return;
  try {
    await resume(engine, id, running.task);
  } catch (error) {
    // It ended meanwhile: that is what was wanted.
    if (!hasCode(error, "conflict")) throw error;
  }
}

/** What an earlier daemon paused or let go on, and did not live to write down, is recorded as the runtime has it. */
export async function recoverPause(
  engine: Engine,
  { id, state }: ContainerRecord,
  task: Task,
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  const status = await task.status({ signal });
  if ((status !== "running" && status !== "paused") || status === state.status) return;
  using _held = await engine.locks.acquire(id, { signal });
  if (engine.running.has(id)) await engine.registry.updateState(id, { status });
}

async function resume(engine: Engine, id: ContainerId, task: Task): Promise<void> {
  await cleanup(async (fresh) => await unlessEnded(id, task, task.resume({ signal: fresh })));
  const resumed = await engine.registry.updateState(id, { status: "running" });
  engine.events.publish(containerEvent("unpause", resumed));
}

function runningTask(engine: Engine, id: ContainerId): { readonly task: Task; readonly record: ContainerRecord } {
  const running = engine.running.get(id);
  if (running === undefined) throw conflict(`container ${id} is not running`);
  return { task: running.task, record: engine.registry.get(id) };
}

/** It may end at any moment, which is recorded when the caller is done. */
async function unlessEnded(id: ContainerId, task: Task, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    throw hasCode(error, "not-found") || (await hasEnded(task))
      ? conflict(`container ${id} is not running`, error)
      : error;
  }
}

async function hasEnded(task: Task): Promise<boolean> {
  try {
    return (await cleanup(async (signal) => await task.status({ signal }))) === "stopped";
  } catch (error) {
    return hasCode(error, "not-found");
  }
}
