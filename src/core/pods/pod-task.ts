// SPDX-License-Identifier: Apache-2.0
// The task that stands for a pod: a process that holds a shared process tree together, or what a shim such as gVisor's
// wants to have before any container. When it ends, by whatever hand, the pod is not ready any more.

import { internal, messageOf } from "../../base/errors.ts";
import { failpoint } from "../../base/failpoint.ts";
import { cleanup, raceSignal } from "../../base/lifetime.ts";
import { sigkill } from "../../base/posix-signal.ts";
import { defaultPath, mergeEnvironment } from "../containers/spec/environment.ts";
import { type Engine, rootfsPath } from "../lifecycle/engine.ts";
import { killTask } from "../lifecycle/kill-container.ts";
import { mountGuarded, unmountRootfs } from "../lifecycle/prepare/prepare-rootfs.ts";
import type { PodTask } from "../sandboxes/pod-task.ts";
import type { PodRecord } from "../sandboxes/sandbox.ts";
import type { UsableHandler } from "../tasks/handler-table.ts";
import type { Task } from "../tasks/task-runtime.ts";
import { podEvent } from "./pod-events.ts";
import { type PodTaskProgram, podTaskSpec } from "./pod-task-spec.ts";

/** The record then has its process id. The caller purges what is left when it fails. */
export async function startPodTask(
  engine: Engine,
  record: PodRecord,
  { usable, signal }: { readonly usable: UsableHandler; readonly signal: AbortSignal },
): Promise<PodRecord> {
  const program = await programOf(engine, record, usable, signal);
  const { id } = record;
  const task = await usable.runtime.create(
    {
      id,
      sandboxId: id,
      handler: usable.handler,
      spec: podTaskSpec(record, program, usable, engine.host),
      rootfs: program.rootfs,
      stdio: { terminal: false },
    },
    { signal },
  );
  await failpoint("run-pod:task-created");
  await task.start({ signal });
  const started = await engine.sandboxes.updatePod(id, { pid: task.pid });
  supervisePodTask(engine, started, task);
  return started;
}

/** The image that the handler names, or a program of our own in a directory with nothing else. */
async function programOf(
  engine: Engine,
  { id, pod }: PodRecord,
  { handler }: UsableHandler,
  signal: AbortSignal,
): Promise<PodTaskProgram> {
  const reference = handler.sandboxImage;
  if (reference === undefined) {
    return { rootfs: engine.settings.paths.pause, arguments: ["/pause"], environment: [], workingDirectory: "/" };
  }
  const image = engine.images.find(reference) ?? (await engine.puller.pull(reference, { signal })).image;
  const chainId = await engine.images.unpack(image, { signal });
  await engine.snapshotter.prepare(id, chainId, { signal });
  const { Entrypoint = [], Cmd = [], Env = [], WorkingDir = "" } = image.config.config ?? {};
  const command = [...(Entrypoint ?? []), ...(Cmd ?? [])];
  if (command.length === 0) throw internal(`the sandbox image ${reference} has no command`);
  const idMappings = pod.config.userNamespace;
  await mountGuarded(engine, id, { snapshotKey: id, ...(idMappings !== undefined && { idMappings }) });
  return {
    rootfs: rootfsPath(engine, id),
    arguments: command,
    environment: mergeEnvironment([[`PATH=${defaultPath}`], Env ?? []]),
    workingDirectory: WorkingDir || "/",
  };
}

/** Goes on in the background until its end is recorded. */
export function supervisePodTask(engine: Engine, record: PodRecord, task: Task): void {
  const { promise: settled, resolve } = Promise.withResolvers<void>();
  const running: PodTask = { task, settled };
  engine.podTasks.set(record.id, running);
  engine.background.run(`pod ${record.id}`, async (signal) => {
    try {
      await untilEnded(engine, record, task, signal);
      await ended(engine, record, task);
    } finally {
      resolve();
    }
  });
}

async function untilEnded(engine: Engine, record: PodRecord, task: Task, signal: AbortSignal): Promise<void> {
  try {
    await task.wait({ signal });
  } catch (error) {
    signal.throwIfAborted();
    engine.logger.error({ sandboxId: record.id, err: error }, "the end of a pod's task could not be waited for");
  }
}

async function ended(engine: Engine, { id, pod }: PodRecord, task: Task): Promise<void> {
  engine.podTasks.delete(id);
  if (engine.sandboxes.find(id) !== undefined) {
    const wasReady = engine.sandboxes.get(id).status === "ready";
    await engine.sandboxes.update(id, { status: "not-ready" });
    const record = await engine.sandboxes.updatePod(id, { pid: 0 });
    if (wasReady && record.pod.phase === "started") {
      engine.logger.warn(
        { sandboxId: id },
        "the process that stands for a pod has ended: the pod is not ready any more",
      );
      engine.events.publish(podEvent("stop", record));
    }
  }
  try {
    await cleanup(async (signal) => await task.delete({ signal }));
  } catch (error) {
    engine.logger.warn(
      { sandboxId: id, err: error },
      `a pod's task could not be deleted: ${messageOf(error)}: purging it`,
    );
    await cleanup(async (signal) => await engine.handlers.runtime(pod.handler).purge(id, { signal }));
  }
}

/** Ends it and takes away all of it; succeeds when there is nothing. */
export async function purgePodTask(
  engine: Engine,
  { id, pod }: PodRecord,
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  if (!pod.hasTask) return;
  const running = engine.podTasks.get(id);
  if (running !== undefined) {
    // A shim that does not answer cannot keep the pod: purging ends what is left of it.
    await killTask(running.task, sigkill, { signal: AbortSignal.any([signal, AbortSignal.timeout(killDeadlineMs)]) })
      .then(
        async () => await raceSignal(running.settled, AbortSignal.any([signal, AbortSignal.timeout(killDeadlineMs)])),
      )
      .catch((error: unknown) => {
        signal.throwIfAborted();
        engine.logger.warn({ sandboxId: id, err: error }, "a pod's task did not end when it was told to: purging it");
      });
  }
  await engine.handlers.runtime(pod.handler).purge(id, { signal });
  await unmountRootfs(engine, id);
  await engine.snapshotter.remove(id);
}

/** Beyond which a shim is taken for dead. */
const killDeadlineMs = 5_000;
