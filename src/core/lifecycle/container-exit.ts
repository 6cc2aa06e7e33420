// SPDX-License-Identifier: Apache-2.0
// Watches a running container and, when its process has ended, gives back what it used and records how it ended. The
// exit is visible only after that: whoever waits finds ports free, logs whole and the OOM decision made.

import { messageOf } from "../../base/errors.ts";
import { cleanup, raceSignal } from "../../base/lifetime.ts";
import type { ContainerRecord } from "../containers/container.ts";
import type { Exit, Task } from "../tasks/task-runtime.ts";
import { containerEvent } from "./container-events.ts";
import type { ContainerIo } from "./container-io.ts";
import { type Engine, rootfsPath } from "./engine.ts";
import { removeHeld } from "./remove-container.ts";
import type { RunningContainer } from "./running-container.ts";
import { deactivateSharedMemory } from "./shared-memory.ts";

/** How long output may lag behind the exit when a process outside the container still holds its end of the stream. */
const outputGraceMs = 2_000;

/** Registers the container as running and goes on in the background until its exit is settled. */
export function superviseContainer(engine: Engine, record: ContainerRecord, task: Task, io: ContainerIo): void {
  const { promise: settled, resolve } = Promise.withResolvers<void>();
  const running: RunningContainer = { task, io, execs: new Map(), settled };
  engine.running.set(record.id, running);
  engine.background.run(`container ${record.id}`, async (signal) => {
    const exit = await task.wait({ signal });
    using _held = await engine.locks.acquire(record.id);
    try {
      await settle(engine, running, record, exit);
    } finally {
      resolve();
    }
  });
}

async function settle(engine: Engine, running: RunningContainer, record: ContainerRecord, exit: Exit): Promise<void> {
  const { task, io } = running;
  const oomKilled = await task.oomKilled().catch((error: unknown) => {
    engine.logger.warn(
      { containerId: record.id, err: error },
      "whether the kernel killed it for memory could not be read",
    );
    return false;
  });
  await raceSignal(io.streams.ended, AbortSignal.timeout(outputGraceMs)).catch(() => {
    // Somebody else holds the stream: what comes later is nobody's any more.
  });
  await giveBack(engine, record, task);
  engine.running.delete(record.id);
  const exited = await engine.registry.update(record.id, {
    ports: [],
    state: {
      ...engine.registry.get(record.id).state,
      status: "exited",
      pid: 0,
      exitCode: exit.exitCode,
      oomKilled,
      finishedAt: exit.exitedAt,
    },
  });
  if (oomKilled) engine.events.publish(containerEvent("oom", exited));
  engine.events.publish(containerEvent("die", exited, { exitCode: String(exit.exitCode) }));
  engine.waiters.notify(record.id, "exit", { exitCode: exit.exitCode, error: "" });
  if (exited.config.autoRemove) await removeHeld(engine, exited, { volumes: true });
}

/** Each step is tried, whatever happened to the others; what fails is logged and found again by the next recovery. */
async function giveBack(engine: Engine, record: ContainerRecord, task: Task): Promise<void> {
  const steps: readonly [string, (signal: AbortSignal) => Promise<void>][] = [
    ["close its streams", async () => await engine.io.close(record.id)],
    ["delete its task", async (signal) => await deleteTask(engine, record, task, signal)],
    ["take down its sandbox", async () => await engine.sandboxes.stop(record.sandboxId)],
  ];
  await Promise.all(
    steps.map(async ([what, work]) => {
      try {
        await cleanup(work);
      } catch (error) {
        engine.logger.error(
          { containerId: record.id, err: error },
          `after its exit: could not ${what}: ${messageOf(error)}`,
        );
      }
    }),
  );
}

async function deleteTask(engine: Engine, record: ContainerRecord, task: Task, signal: AbortSignal): Promise<void> {
  try {
    await task.delete({ signal });
  } catch (error) {
    engine.logger.warn({ containerId: record.id, err: error }, "its task could not be deleted: purging it");
    await engine.handlers.runtime(record.handler).purge(record.id, { signal });
  }
  await engine.mounts.deactivate(rootfsPath(engine, record.id));
  await deactivateSharedMemory(engine, record);
}
