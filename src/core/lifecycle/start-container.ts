// SPDX-License-Identifier: Apache-2.0
// Starts a container: sandbox, root filesystem and shim are made ready side by side, then the task is created and run.
// Whatever fails, everything is taken back and the record says why.

import { EngineError, messageOf } from "../../base/errors.ts";
import { failpoint } from "../../base/failpoint.ts";
import { cleanup } from "../../base/lifetime.ts";
import type { RuntimeProcess } from "../../oci/runtime/spec.ts";
import type { ContainerRecord } from "../containers/container.ts";
import type { ResolvedUser } from "../containers/user.ts";
import type { ReadySandbox } from "../sandboxes/sandbox-service.ts";
import type { Task } from "../tasks/task-runtime.ts";
import { endStdin } from "./attach-container.ts";
import { containerEvent } from "./container-events.ts";
import { superviseContainer } from "./container-exit.ts";
import type { ContainerIo } from "./container-io.ts";
import { containerSpec } from "./container-spec.ts";
import { userIn } from "./container-user.ts";
import { type Engine, rootfsPath } from "./engine.ts";
import { removeHeld } from "./remove-container.ts";
import { sandboxStart } from "./sandbox-request.ts";
import { activateSharedMemory, deactivateSharedMemory } from "./shared-memory.ts";
import { startFailureExitCode } from "./start-failure.ts";

/** alreadyRunning when there was nothing to do. */
export async function startContainer(
  engine: Engine,
  reference: string,
  { signal }: { readonly signal: AbortSignal },
): Promise<{ readonly alreadyRunning: boolean }> {
  const { id } = engine.registry.get(reference);
  using _held = await engine.locks.acquire(id, { signal });
  const record = engine.registry.get(id);
  if (engine.running.has(id)) {
    if (record.state.status !== "paused") return { alreadyRunning: true };
    throw new EngineError("conflict", "cannot start a paused container, try unpause instead");
  }
  if (record.state.status === "dead") {
    throw new EngineError("conflict", `container ${record.name} is marked for removal and cannot be started`);
  }
  try {
    await run(engine, record, signal);
  } catch (error) {
    await recordFailure(engine, record, error);
    throw error;
  }
  return { alreadyRunning: false };
}

/** The record says why; a container that was to be removed after its run is removed. */
async function recordFailure(engine: Engine, record: ContainerRecord, failure: unknown): Promise<void> {
  try {
    await cleanup(async () => {
      await engine.io.remove(record.id);
      const failed = await engine.registry.updateState(record.id, {
        error: messageOf(failure),
        exitCode: startFailureExitCode(failure),
        finishedAt: Date.now(),
      });
      if (record.config.autoRemove) await removeHeld(engine, failed, { volumes: true });
    });
  } catch (error) {
    engine.logger.error({ containerId: record.id, err: error }, "that it could not be started could not be recorded");
  }
}

async function run(engine: Engine, record: ContainerRecord, signal: AbortSignal): Promise<void> {
  const usable = await engine.handlers.use(record.handler, { signal });
  const rootfs = rootfsPath(engine, record.id);
  await using undo = new AsyncDisposableStack();
  undo.defer(async () => await cleanup(async () => await engine.mounts.deactivate(rootfs)));
  undo.defer(async () => await cleanup(async () => await deactivateSharedMemory(engine, record)));
  undo.defer(async () => await cleanup(async () => await engine.sandboxes.stop(record.sandboxId)));
  undo.defer(async () => await cleanup(async (fresh) => await usable.runtime.purge(record.id, { signal: fresh })));
  // What the end of an earlier run could not take away.
  await usable.runtime.purge(record.id, { signal });
  usable.runtime.warm?.({ id: record.id, sandboxId: record.sandboxId, handler: usable.handler });
  const [sandbox, user, io] = await settleAll([
    engine.sandboxes.start(sandboxStart(engine, record), { signal }),
    prepareRootfs(engine, record, rootfs),
    engine.io.ensure(record),
  ]);
  await failpoint("start-container:prepared");
  const sharedMemory = await activateSharedMemory(engine, record);
  const spec = await containerSpec(engine, { record, usable, sandbox, user, rootfs, sharedMemory });
  const { id, sandboxId } = record;
  const request = { id, sandboxId, handler: usable.handler, spec, rootfs, stdio: io.streams.stdio };
  const task = await usable.runtime.create(request, { signal });
  await failpoint("start-container:created");
  await task.start({ signal });
  await failpoint("start-container:started");
  await started(engine, { record, task, sandbox, io, process: spec.process });
  undo.move();
}

interface StartedParts {
  readonly record: ContainerRecord;
  readonly task: Task;
  readonly sandbox: ReadySandbox;
  readonly io: ContainerIo;
  readonly process: RuntimeProcess;
}

/** Records that it runs and begins to watch it. */
async function started(engine: Engine, { record, task, sandbox, io, process }: StartedParts): Promise<void> {
  const running = await engine.registry.update(record.id, {
    ports: sandbox.record.attachments.flatMap((attachment) => attachment.ports),
    state: { status: "running", pid: task.pid, exitCode: 0, oomKilled: false, error: "", startedAt: Date.now() },
    process,
  });
  engine.events.publish(containerEvent("start", running));
  superviseContainer(engine, running, task, io);
  if (io.stdinEnded) await endStdin(task, io);
}

/** Mounts the root filesystem and looks up in it who the process runs as. */
async function prepareRootfs(engine: Engine, record: ContainerRecord, rootfs: string): Promise<ResolvedUser> {
  await engine.mounts.activate(rootfs, await engine.snapshotter.mounts(record.snapshotKey));
  const { config } = record;
  const image = record.imageDefaults;
  const user = await userIn(engine, rootfs, { user: config.user ?? image.User ?? "", groupAdd: config.groupAdd });
  const directory = config.workingDirectory ?? image.WorkingDir ?? "/";
  if (directory.startsWith("/") && directory !== "/") {
    await engine.rootFilesystem.ensureDirectory(rootfs, directory, { mode: 0o755, uid: user.uid, gid: user.gid });
  }
  return user;
}

/** Waits for all, also when one fails, so that nothing goes on behind the clean-up; then throws the first failure. */
async function settleAll<A, B, C>(promises: [Promise<A>, Promise<B>, Promise<C>]): Promise<[A, B, C]> {
  await Promise.allSettled(promises);
  return await Promise.all(promises);
}
