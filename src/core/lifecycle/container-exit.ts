// SPDX-License-Identifier: Apache-2.0
// Watches a running container and, when its process has ended, gives back what it used and records how it ended. The
// exit is visible only after that: whoever waits finds ports free, logs whole and the OOM decision made. A container that
// goes with its exit is the exception, see goesFirst.

import { hasCode, messageOf } from "../../base/errors.ts";
import { cleanup, delay, raceSignal } from "../../base/lifetime.ts";
import type { ContainerEnding, ContainerRecord, ContainerState } from "../containers/container.ts";
import type { Exit, Task } from "../tasks/task-runtime.ts";
import type { Engine } from "./engine.ts";
import { tellExit } from "./pod-member.ts";
import { unmountRootfs } from "./prepare/prepare-rootfs.ts";
import { deactivateSharedMemory } from "./prepare/shared-memory.ts";
import { removeHeld } from "./remove-container.ts";
import { containerEvent } from "./state/container-events.ts";
import type { ContainerIo } from "./state/container-io.ts";
import type { RunningContainer } from "./state/running-container.ts";

/** How long output may lag behind the exit when a process outside the container still holds its end of the stream. */
const outputGraceMs = 2_000;
/** How long its execs may lag behind it: the kernel has killed them. */
const execGraceMs = 3_000;
const retryMs = 1_000;

/** What a task that vanished without a trace is said to have exited with (containerd and CRI-O agree). */
export const unknownExitCode = 255;

/** Registers the container as running and goes on in the background until its exit is settled. */
export function superviseContainer(
  engine: Engine,
  record: ContainerRecord,
  task: Task,
  io: ContainerIo,
): RunningContainer {
  const { promise: settled, resolve } = Promise.withResolvers<void>();
  const running: RunningContainer = { task, io, execs: new Map(), settled, askedToStop: false, isRestarting: false };
  engine.running.set(record.id, running);
  engine.background.run(`container ${record.id}`, async (signal) => {
    const exit = await exitOf(engine, record, task, signal);
    using _held = await engine.locks.acquire(record.id);
    try {
      const ending = { ...exit, oomKilled: await wasOomKilled(engine, record, task) };
      // It may have got another name.
      await settle(engine, running, { record: engine.registry.find(record.id) ?? record, ending }, signal);
    } finally {
      resolve();
    }
  });
  return running;
}

/** A task that cannot be waited for is as good as lost. */
async function exitOf(engine: Engine, record: ContainerRecord, task: Task, signal: AbortSignal): Promise<Exit> {
  try {
    return await task.wait({ signal });
  } catch (error) {
    signal.throwIfAborted();
    engine.logger.error(
      { containerId: record.id, err: error },
      "its exit could not be waited for: it is taken for lost",
    );
    return { exitCode: unknownExitCode, exitedAt: Date.now() };
  }
}

async function settle(
  engine: Engine,
  running: RunningContainer,
  { record, ending }: { readonly record: ContainerRecord; readonly ending: ContainerEnding },
  signal: AbortSignal,
): Promise<void> {
  await running.io.streams.drain({ graceMs: outputGraceMs });
  const goesWithExit = record.config.autoRemove && !running.isRestarting;
  if (goesWithExit && goesFirst(record)) {
    try {
      await removeFirst(engine, record, ending, signal);
    } finally {
      await giveBack(engine, running, record, ending);
    }
    return;
  }
  await giveBack(engine, running, record, ending);
  const exited = await untilWritten(
    engine,
    record,
    async () =>
      await engine.registry.update(record.id, {
        ports: [],
        state: exitedState(engine.registry.get(record.id).state, ending),
      }),
    signal,
  );
  announceExit(engine, exited, ending);
  if (exited.pod !== undefined) await tellExit(engine, exited, signal);
  if (goesWithExit) await removeHeld(engine, exited, { volumes: true });
}

/**
 * A container that goes with its exit, of which nothing can be asked any more, is removed before its task and its
 * network are taken down, for which nobody has to wait. Not when somebody may want its ports next, nor when processes of
 * its own may outlive it.
 */
function goesFirst({ config, ports }: ContainerRecord): boolean {
  return ports.length === 0 && config.pidMode === ""; // none of a pod is removed by itself
}

/** A daemon that dies in between leaves a task and a sandbox that belong to nobody: recovery takes them down. */
async function removeFirst(
  engine: Engine,
  record: ContainerRecord,
  ending: ContainerEnding,
  signal: AbortSignal,
): Promise<void> {
  const exited = { ...record, ports: [], state: exitedState(record.state, ending) };
  announceExit(engine, exited, ending);
  const remove = async () => await removeHeld(engine, exited, { volumes: true, leavesSandbox: true });
  await untilWritten(engine, record, remove, signal);
}

function announceExit(engine: Engine, exited: ContainerRecord, { exitCode, oomKilled }: ContainerEnding): void {
  engine.running.delete(exited.id);
  if (oomKilled) engine.events.publish(containerEvent("oom", exited));
  engine.events.publish(containerEvent("die", exited, { exitCode: String(exitCode) }));
  engine.waiters.notify(exited.id, "exit", { exitCode, error: "" });
}

/** The state of a container that has run, after its run. */
export function exitedState(state: ContainerState, { exitCode, exitedAt, oomKilled }: ContainerEnding): ContainerState {
  return {
    status: "exited",
    pid: 0,
    exitCode,
    oomKilled,
    error: "",
    // The end of a short one may be seen before its start is noted.
    finishedAt: Math.max(exitedAt, state.startedAt ?? 0),
    ...(state.startedAt !== undefined && { startedAt: state.startedAt }),
  };
}

async function wasOomKilled(engine: Engine, record: ContainerRecord, task: Task): Promise<boolean> {
  try {
    return await task.oomKilled();
  } catch (error) {
    engine.logger.warn(
      { containerId: record.id, err: error },
      "whether the kernel killed it for memory could not be read",
    );
    return false;
  }
}

/** Each step is tried, whatever happened to the others; what fails is logged and found again by the next recovery. */
async function giveBack(
  engine: Engine,
  { task, execs, isRestarting }: RunningContainer,
  record: ContainerRecord,
  ending: ContainerEnding,
): Promise<void> {
  const steps: readonly [string, (signal: AbortSignal) => Promise<void>][] = [
    ["close its streams", async () => await engine.io.close(record.id)],
    [
      "delete its task",
      async (signal) => {
        // Once the task is deleted nobody else knows how it ended. A container that goes anyway has nothing to tell.
        if (!record.config.autoRemove || isRestarting) await engine.registry.updateState(record.id, { ending });
        await endOfExecs(execs);
        await deleteTask(engine, record, task, signal);
      },
    ],
    [
      "take down its sandbox",
      async () => {
        // A pod outlives its containers.
        if (record.pod === undefined) await engine.sandboxes.stop(record.sandboxId);
      },
    ],
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

/** They ended with the container, and their own exit is asked of its task. */
async function endOfExecs(execs: RunningContainer["execs"]): Promise<void> {
  const ended = Promise.all(Array.from(execs.values(), (exec) => exec.ended));
  await raceSignal(ended, AbortSignal.timeout(execGraceMs)).catch(() => {
    // It shares the host's processes and outlives its container: deleting the task ends it.
  });
}

/** Retries while there is no room on the disk: that a container has ended cannot be taken back. */
async function untilWritten<T>(
  engine: Engine,
  record: ContainerRecord,
  write: () => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await write();
    } catch (error) {
      if (!hasCode(error, "resource-exhausted")) throw error;
      if (attempt === 1) {
        engine.logger.error({ containerId: record.id, err: error }, "its exit cannot be recorded: trying again");
      }
    }
    await delay(retryMs, { signal });
  }
}

async function deleteTask(engine: Engine, record: ContainerRecord, task: Task, signal: AbortSignal): Promise<void> {
  try {
    await task.delete({ signal });
  } catch (error) {
    engine.logger.warn({ containerId: record.id, err: error }, "its task could not be deleted: purging it");
    await engine.handlers.runtime(record.handler).purge(record.id, { signal });
  }
  await unmountRootfs(engine, record.id);
  if (record.pod === undefined) await deactivateSharedMemory(engine, record);
}
