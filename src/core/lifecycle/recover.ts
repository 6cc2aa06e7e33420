// SPDX-License-Identifier: Apache-2.0
// What a daemon does before it serves: brings records and kernel together after whatever happened to the one before.
// Running containers are adopted, exits that nobody saw are reported with their real code, removals that were cut short
// are finished, and what belongs to nobody is taken down.

import { messageOf } from "../../base/errors.ts";
import type { ContainerId, SandboxId } from "../../base/ids.ts";
import { deadlineSignal } from "../../base/lifetime.ts";
import type { ContainerRecord } from "../containers/container.ts";
import type { Task } from "../tasks/task-runtime.ts";
import { letGoOn } from "./checkpoint-container.ts";
import { exitedState, superviseContainer, unknownExitCode } from "./container-exit.ts";
import type { Engine } from "./engine.ts";
import { recoverExecs } from "./exec/supervise-exec.ts";
import { recoverPause } from "./pause-container.ts";
import { imageMountsDirectory } from "./prepare/image-mounts.ts";
import { sharedMemoryDirectory } from "./prepare/shared-memory.ts";
import { removeHeld } from "./remove-container.ts";
import { containerEvent } from "./state/container-events.ts";
import { initStreams } from "./state/container-io.ts";

/** readyPods: those that stand, with their tasks adopted; they are found meanwhile. */
export async function recover(
  engine: Engine,
  options: { readonly readyPods: Promise<ReadonlySet<SandboxId>>; readonly signal: AbortSignal },
): Promise<void> {
  const { signal } = options;
  const records = engine.registry.list();
  const [readyPods, lost] = await Promise.all([options.readyPods, adoptAll(engine, records, signal)]);
  await purgeUnknown(engine, signal);
  const ofRunning = records.filter(({ id }) => engine.running.has(id)).map(({ sandboxId }) => sandboxId);
  await engine.sandboxes.recover(new Set([...readyPods, ...ofRunning]), { signal });
  for (const record of lost) await recordLoss(engine, record);
  await unmountOrphans(engine, readyPods);
  await finishRemovals(engine, signal);
  await removeOrphanSnapshots(engine);
}

/** Those whose task is gone. */
async function adoptAll(
  engine: Engine,
  records: readonly ContainerRecord[],
  signal: AbortSignal,
): Promise<readonly ContainerRecord[]> {
  await engine.snapshotter.recover();
  const lost = await Promise.all(
    records.map(async (record) => {
      const { status } = record.state;
      if (status === "running" || status === "paused") return (await adopt(engine, record, signal)) ? [] : [record];
      await engine.io.remove(record.id);
      return [];
    }),
  );
  return lost.flat();
}

/** False when its task is gone. A failure of our own ends the start of the daemon: no container is killed for that. */
async function adopt(engine: Engine, record: ContainerRecord, signal: AbortSignal): Promise<boolean> {
  const task = await findTask(engine, record, signal);
  if (task === undefined) return false;
  const io = await engine.io.ensure(record).catch(async (error: unknown) => {
    // Somebody put something else where it was: no reason for all others to go without a daemon.
    engine.logger.error({ containerId: record.id, err: error }, `output is dropped from now on: ${messageOf(error)}`);
    return await engine.io.ensure({ ...record, logPath: "" });
  });
  const left = await engine.streams.list(engine.io.directory(record.id));
  const running = superviseContainer(engine, record, task, io);
  recoverExecs(
    engine,
    { record, running },
    left.filter(({ id }) => id !== initStreams),
  );
  if (record.state.checkpointing === true) {
    // The shim answers when the checkpoint that the daemon before has begun is at its end: nobody waits for that.
    engine.background.run(`let ${record.id} go on`, async (closing) => {
      await letGoOn(engine, record, task, { signal: closing });
    });
  } else {
    await recoverPause(engine, record, task, { signal });
  }
  engine.logger.info({ containerId: record.id, pid: task.pid }, "adopted a running container");
  return true;
}

/** How long one container's shim may take to answer: the others do not wait for it. */
const adoptDeadlineMs = 10_000;

async function findTask(engine: Engine, record: ContainerRecord, signal: AbortSignal): Promise<Task | undefined> {
  const limited = AbortSignal.any([signal, deadlineSignal(adoptDeadlineMs, `adopting container ${record.id}`)]);
  try {
    return await engine.handlers.runtime(record.handler).adopt(record.id, { signal: limited });
  } catch (error) {
    signal.throwIfAborted();
    engine.logger.error({ containerId: record.id, err: error }, `could not adopt a container: ${messageOf(error)}`);
    return undefined;
  }
}

/** Tasks without a running container: started half-way, or lost. */
async function purgeUnknown(engine: Engine, signal: AbortSignal): Promise<void> {
  for (const runtime of engine.handlers.runtimes()) {
    const ids = await runtime.list();
    const unknown = ids.filter((id) => !engine.running.has(id as ContainerId) && !engine.podTasks.has(id as SandboxId));
    await Promise.all(
      unknown.map(async (id) => {
        try {
          await runtime.purge(id, { signal });
        } catch (error) {
          engine.logger.error(
            { containerId: id, err: error },
            "a task that belongs to no running container could not be removed",
          );
        }
      }),
    );
  }
}

/** The exit of a run that nobody can be asked about any more: what the daemon before wrote of it, or the unknown. */
async function recordLoss(engine: Engine, record: ContainerRecord): Promise<void> {
  await engine.io.remove(record.id);
  const { ending } = record.state;
  const state = exitedState(
    record.state,
    ending ?? { exitCode: unknownExitCode, exitedAt: Date.now(), oomKilled: false },
  );
  const exited = await engine.registry.update(record.id, {
    ports: [],
    state:
      ending === undefined ? { ...state, lost: true, error: "its task was gone when the daemon came back" } : state,
  });
  if (state.oomKilled) engine.events.publish(containerEvent("oom", exited));
  engine.events.publish(containerEvent("die", exited, { exitCode: String(state.exitCode) }));
}

async function unmountOrphans(engine: Engine, readyPods: ReadonlySet<SandboxId>): Promise<void> {
  const images = imageMountsDirectory(engine);
  const rootfs = `${engine.settings.paths.state}/rootfs`;
  const directories = [rootfs, sharedMemoryDirectory(engine), images];
  const ids = [...engine.running.keys(), ...engine.podTasks.keys(), ...readyPods];
  const wanted = [
    ...directories.flatMap((directory) => ids.map((id) => `${directory}/${id}`)),
    ...engine.registry.list().flatMap(({ mounts }) => mounts.map(({ image }) => image?.directory)),
  ];
  for (const directory of directories) {
    for (const mount of await engine.mounts.list(directory)) {
      if (wanted.some((path) => mount === path || mount.startsWith(`${path}/`))) continue;
      const guarded = directory === rootfs;
      await tryTo(engine, `unmount ${mount}`, async () => await engine.mounts.deactivate(mount, { guarded }));
    }
  }
}

/** Of containers that a daemon had begun to remove, or would have removed had it lived. */
async function finishRemovals(engine: Engine, signal: AbortSignal): Promise<void> {
  for (const { id } of engine.registry.list()) {
    if (engine.running.has(id)) continue;
    using _held = await engine.locks.acquire(id, { signal });
    const record = engine.registry.find(id);
    if (record === undefined || engine.running.has(id)) continue;
    const finished = record.state.status === "exited" || record.state.error !== "";
    if (record.state.status !== "dead" && !(finished && record.config.autoRemove)) continue;
    await tryTo(
      engine,
      `finish the removal of container ${id}`,
      async () => await removeHeld(engine, record, { volumes: record.config.autoRemove }),
    );
  }
}

/** Writable snapshots whose container was never recorded. */
async function removeOrphanSnapshots(engine: Engine): Promise<void> {
  const ofContainers = engine.registry
    .list()
    .flatMap(({ snapshotKey, mounts }) => [snapshotKey, ...mounts.map(({ image }) => image?.snapshotKey)]);
  const wanted = new Set<string | undefined>([...ofContainers, ...engine.podTasks.keys()]);
  const found = Array.from(engine.snapshotter.walk());
  for (const { kind, key } of found) {
    if (kind === "committed" || wanted.has(key)) continue;
    await tryTo(engine, `remove snapshot ${key}`, async () => await engine.snapshotter.remove(key));
  }
}

/** What cannot be cleaned up does not keep the daemon from serving: the next recovery tries again. */
async function tryTo(engine: Engine, what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    engine.logger.error({ err: error }, `recovery could not ${what}: ${messageOf(error)}`);
  }
}
