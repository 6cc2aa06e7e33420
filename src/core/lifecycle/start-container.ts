// SPDX-License-Identifier: Apache-2.0
// Starts a container: sandbox, root filesystem and shim are made ready side by side, then the task is created and run.
// Whatever fails, everything is taken back and the record says why.

import { EngineError, failedPrecondition, internal, messageOf } from "../../base/errors.ts";
import { failpoint } from "../../base/failpoint.ts";
import { cleanup } from "../../base/lifetime.ts";
import type { RuntimeSpec } from "../../oci/runtime/spec.ts";
import type { ContainerRecord } from "../containers/container.ts";
import type { PortMapping } from "../networks/network-driver.ts";
import type { UsableHandler } from "../tasks/handler-table.ts";
import type { Task } from "../tasks/task-runtime.ts";
import { endStdin } from "./attach-container.ts";
import { superviseContainer } from "./container-exit.ts";
import { type Engine, rootfsPath } from "./engine.ts";
import { enterStart, readyPod } from "./pod-member.ts";
import { containerSpec } from "./prepare/container-spec.ts";
import { activateImageMounts } from "./prepare/image-mounts.ts";
import { mountRootfs, prepareRootfs, stdioOwner, unmountRootfs } from "./prepare/prepare-rootfs.ts";
import { sandboxStart } from "./prepare/sandbox-request.ts";
import { activateSharedMemory, deactivateSharedMemory } from "./prepare/shared-memory.ts";
import { removeHeld } from "./remove-container.ts";
import { containerEvent } from "./state/container-events.ts";
import type { ContainerIo } from "./state/container-io.ts";
import { startFailureExitCode } from "./state/start-failure.ts";

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
  if (record.pod !== undefined && record.state.finishedAt !== undefined) {
    throw failedPrecondition(
      `container ${record.name} was started before and belongs to a pod: its orchestrator makes a new one for another try`,
    );
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
  await using undo = new AsyncDisposableStack();
  undo.defer(async () => await cleanup(async () => await unmountRootfs(engine, record.id)));
  if (record.pod === undefined) {
    undo.defer(async () => await cleanup(async () => await deactivateSharedMemory(engine, record)));
    undo.defer(async () => await cleanup(async () => await engine.sandboxes.stop(record.sandboxId)));
  }
  undo.defer(async () => await cleanup(async (fresh) => await usable.runtime.purge(record.id, { signal: fresh })));
  // What the end of an earlier run could not take away.
  await usable.runtime.purge(record.id, { signal });
  usable.runtime.warm?.({ id: record.id, sandboxId: record.sandboxId, handler: usable.handler });
  const ready =
    record.pod === undefined ? await prepareAlone(engine, record, usable, signal) : await prepareInPod(engine, record);
  await failpoint("start-container:prepared");
  const { id, sandboxId } = record;
  const { spec, io } = ready;
  const request = {
    id,
    sandboxId,
    handler: usable.handler,
    spec,
    rootfs: rootfsPath(engine, id),
    stdio: io.streams.stdio,
    ...stdioOwner(engine, record),
  };
  const task = await usable.runtime.create(request, { signal });
  await failpoint("start-container:created");
  using hooks = record.pod === undefined ? undefined : enterStart(engine, record, spec);
  await hooks?.before({ pid: task.pid, signal });
  try {
    await task.start({ signal });
    await failpoint("start-container:started");
    await started(engine, { record, task, ready });
  } catch (error) {
    await hooks?.failed();
    throw error;
  }
  undo.move();
  await hooks?.after({ signal });
}

/** What a container runs with. */
interface ReadyToRun {
  readonly spec: RuntimeSpec;
  readonly io: ContainerIo;
  readonly ports: readonly PortMapping[];
}

/** Makes the sandbox of a container that is alone in it. */
async function prepareAlone(
  engine: Engine,
  record: ContainerRecord,
  usable: UsableHandler,
  signal: AbortSignal,
): Promise<ReadyToRun> {
  const [sandbox, user, io] = await settleAll([
    engine.sandboxes.start(sandboxStart(engine, record), { signal }),
    prepareRootfs(engine, record),
    engine.io.ensure(record),
  ]);
  const sharedMemory = await activateSharedMemory(engine, record);
  const spec = await containerSpec(engine, { record, usable, sandbox, user, sharedMemory });
  return { spec, io, ports: sandbox.record.attachments.flatMap((attachment) => attachment.ports) };
}

/** The pod is there, and what its container runs as was decided at its creation. */
async function prepareInPod(engine: Engine, record: ContainerRecord): Promise<ReadyToRun> {
  readyPod(engine, record.sandboxId);
  const spec = engine.registry.findSpec(record.id);
  if (spec === undefined) throw internal(`container ${record.id} of a pod has no specification`);
  await mountRootfs(engine, record);
  await activateImageMounts(engine, record);
  return { spec, io: await engine.io.ensure(record), ports: [] };
}

interface StartedParts {
  readonly record: ContainerRecord;
  readonly task: Task;
  readonly ready: ReadyToRun;
}

/** Records that it runs and begins to watch it. */
async function started(engine: Engine, { record, task, ready: { spec, io, ports } }: StartedParts): Promise<void> {
  const running = await engine.registry.update(record.id, {
    ports,
    state: { status: "running", pid: task.pid, exitCode: 0, oomKilled: false, error: "", startedAt: Date.now() },
    process: spec.process,
  });
  engine.events.publish(containerEvent("start", running));
  superviseContainer(engine, running, task, io);
  if (io.stdinEnded) await endStdin(task, io);
}

/** Waits for all, also when one fails, so that nothing goes on behind the clean-up; then throws the first failure. */
async function settleAll<A, B, C>(promises: [Promise<A>, Promise<B>, Promise<C>]): Promise<[A, B, C]> {
  await Promise.allSettled(promises);
  return await Promise.all(promises);
}
