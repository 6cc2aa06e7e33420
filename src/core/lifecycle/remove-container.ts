// SPDX-License-Identifier: Apache-2.0
// Removes a container and all that is its own. It is marked dead first: a removal that a crash cuts short is finished by
// the next daemon.

import { conflict } from "../../base/errors.ts";
import { failpoint } from "../../base/failpoint.ts";
import { cleanup, raceSignal } from "../../base/lifetime.ts";
import { sigkill } from "../../base/posix-signal.ts";
import type { ContainerRecord } from "../containers/container.ts";
import type { Engine } from "./engine.ts";
import { killTask } from "./kill-container.ts";
import { unregisterMember } from "./pod-member.ts";
import { removeImageMounts } from "./prepare/image-mounts.ts";
import { unmountRootfs } from "./prepare/prepare-rootfs.ts";
import { deactivateSharedMemory } from "./prepare/shared-memory.ts";
import { containerEvent } from "./state/container-events.ts";

export interface RemoveOptions {
  /** Kills it first when it runs. */
  readonly force: boolean;
  /** Its anonymous volumes too. */
  readonly volumes: boolean;
  readonly signal: AbortSignal;
}

/** conflict when it runs and force was not asked for. */
export async function removeContainer(engine: Engine, reference: string, options: RemoveOptions): Promise<void> {
  const { id } = engine.registry.get(reference);
  for (;;) {
    const running = engine.running.get(id);
    if (running !== undefined && options.force) {
      await killTask(running.task, sigkill, { signal: options.signal });
      await raceSignal(running.settled, options.signal);
    }
    using _held = await engine.locks.acquire(id, { signal: options.signal });
    const record = engine.registry.find(id);
    // --rm was faster.
    if (record === undefined) return;
    if (!engine.running.has(id)) {
      await removeHeld(engine, record, { volumes: options.volumes });
      return;
    }
    // A start that was under way while we waited: force means this run too.
    if (options.force) continue;
    throw conflict(
      `cannot remove container "/${record.name}": container is ${record.state.status}: stop the container before removing or force remove`,
    );
  }
}

/** The same for a caller that holds the container's lock. */
export async function removeHeld(
  engine: Engine,
  record: ContainerRecord,
  { volumes, leavesSandbox = false }: { readonly volumes: boolean; readonly leavesSandbox?: boolean },
): Promise<void> {
  await engine.registry.updateState(record.id, { status: "dead" });
  await engine.io.remove(record.id);
  // Nothing to do, unless the end of its last run could not take it down.
  const isAlone = record.pod === undefined;
  if (isAlone && !leavesSandbox && engine.sandboxes.find(record.sandboxId) !== undefined) {
    await engine.sandboxes.stop(record.sandboxId);
  }
  await unmountRootfs(engine, record.id);
  if (isAlone) await deactivateSharedMemory(engine, record);
  await removeImageMounts(engine, record.mounts);
  await engine.snapshotter.remove(record.snapshotKey);
  // The logs of pods are the orchestrator's.
  if (isAlone) await engine.logs.remove(record.logPath);
  await failpoint("remove-container:unrecorded");
  if (isAlone) await engine.registry.remove(record.id);
  else await unregisterMember(engine, record);
  if (volumes) await removeAnonymousVolumes(engine, record);
  engine.events.publish(containerEvent("destroy", record));
  engine.waiters.notify(record.id, "exit", { exitCode: record.state.exitCode, error: record.state.error });
  engine.waiters.notify(record.id, "removal", { exitCode: record.state.exitCode, error: record.state.error });
  engine.background.run("collect", async (signal) => await engine.images.released(record.imageId, { signal }));
}

async function removeAnonymousVolumes(engine: Engine, record: ContainerRecord): Promise<void> {
  for (const mount of record.mounts) {
    if (!mount.anonymous || mount.volume === undefined) continue;
    const name = mount.volume;
    const shared = engine.registry.list().some((other) => other.mounts.some(({ volume }) => volume === name));
    if (shared) continue;
    await cleanup(async () => await engine.volumes.remove(name)).catch((error: unknown) => {
      engine.logger.warn(
        { containerId: record.id, volume: name, err: error },
        "its anonymous volume could not be removed",
      );
    });
  }
}
