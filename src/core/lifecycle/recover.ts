// SPDX-License-Identifier: Apache-2.0
// What a daemon does before it serves: brings records and kernel together after whatever happened to the one before.
// Running containers are adopted, exits that nobody saw are reported with their real code, removals that were cut short
// are finished, and what belongs to nobody is taken down.

import { messageOf } from "../../base/errors.ts";
import type { ContainerId } from "../../base/ids.ts";
import type { ContainerRecord } from "../containers/container.ts";
import { containerEvent } from "./container-events.ts";
import { superviseContainer } from "./container-exit.ts";
import type { Engine } from "./engine.ts";
import { removeHeld } from "./remove-container.ts";
import { sharedMemoryDirectory } from "./shared-memory.ts";

/** What a task that vanished without a trace is said to have exited with (containerd and CRI-O agree). */
const unknownExitCode = 255;

export async function recover(engine: Engine, { signal }: { readonly signal: AbortSignal }): Promise<void> {
  await engine.snapshotter.recover();
  const records = engine.registry.list();
  const lost: ContainerRecord[] = [];
  await Promise.all(
    records.map(async (record) => {
      if (record.state.status !== "running" && record.state.status !== "paused") return;
      if (!(await adopt(engine, record, signal))) lost.push(record);
    }),
  );
  await purgeUnknown(engine, signal);
  await engine.sandboxes.recover(
    new Set(records.filter((record) => engine.running.has(record.id)).map((record) => record.sandboxId)),
    { signal },
  );
  for (const record of lost) await recordLoss(engine, record);
  await unmountOrphans(engine);
  for (const record of engine.registry.list()) {
    if (engine.running.has(record.id)) continue;
    const finished = record.state.status === "exited" || record.state.error !== "";
    if (record.state.status !== "dead" && !(finished && record.config.autoRemove)) continue;
    await tryTo(
      engine,
      record,
      "finish its removal",
      async () => await removeHeld(engine, record, { volumes: record.config.autoRemove }),
    );
  }
  await removeOrphanSnapshots(engine);
}

async function adopt(engine: Engine, record: ContainerRecord, signal: AbortSignal): Promise<boolean> {
  try {
    const task = await engine.handlers.runtime(record.handler).adopt(record.id, { signal });
    if (task === undefined) return false;
    const io = await engine.io.ensure(record);
    superviseContainer(engine, record, task, io);
    engine.logger.info({ containerId: record.id, pid: task.pid }, "adopted a running container");
    return true;
  } catch (error) {
    engine.logger.error({ containerId: record.id, err: error }, `could not adopt a container: ${messageOf(error)}`);
    return false;
  }
}

/** Tasks without a running container: started half-way, or lost. */
async function purgeUnknown(engine: Engine, signal: AbortSignal): Promise<void> {
  for (const runtime of engine.handlers.runtimes()) {
    for (const id of await runtime.list()) {
      if (engine.running.has(id as ContainerId)) continue;
      try {
        await runtime.purge(id, { signal });
      } catch (error) {
        engine.logger.error(
          { containerId: id, err: error },
          "a task that belongs to no running container could not be removed",
        );
      }
    }
  }
}

async function recordLoss(engine: Engine, record: ContainerRecord): Promise<void> {
  await engine.io.close(record.id);
  const exited = await engine.registry.update(record.id, {
    ports: [],
    state: {
      ...record.state,
      status: "exited",
      pid: 0,
      exitCode: unknownExitCode,
      finishedAt: Date.now(),
      error: "its task was gone when the daemon came back",
    },
  });
  engine.events.publish(containerEvent("die", exited, { exitCode: String(unknownExitCode) }));
}

async function unmountOrphans(engine: Engine): Promise<void> {
  const directories = [`${engine.settings.paths.state}/rootfs`, sharedMemoryDirectory(engine)];
  const wanted = directories.flatMap((directory) => Array.from(engine.running.keys(), (id) => `${directory}/${id}`));
  for (const directory of directories) {
    for (const mount of await engine.mounts.list(directory)) {
      if (wanted.some((path) => mount === path || mount.startsWith(`${path}/`))) continue;
      await engine.mounts.deactivate(mount);
    }
  }
}

/** Writable snapshots whose container was never recorded. */
async function removeOrphanSnapshots(engine: Engine): Promise<void> {
  const wanted = new Set(engine.registry.list().map((record) => record.snapshotKey));
  for (const snapshot of [...engine.snapshotter.walk()]) {
    if (snapshot.kind === "committed" || wanted.has(snapshot.key)) continue;
    await engine.snapshotter.remove(snapshot.key);
  }
}

async function tryTo(engine: Engine, record: ContainerRecord, what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    engine.logger.error({ containerId: record.id, err: error }, `could not ${what}: ${messageOf(error)}`);
  }
}
