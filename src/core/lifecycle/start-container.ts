// SPDX-License-Identifier: Apache-2.0
// Starts a container: sandbox, root filesystem and shim are made ready side by side, then the task is created and run.
// Whatever fails, everything is taken back and the record says why.

import { EngineError, messageOf } from "../../base/errors.ts";
import { failpoint } from "../../base/failpoint.ts";
import { cleanup } from "../../base/lifetime.ts";
import type { RuntimeSpec } from "../../oci/runtime/spec.ts";
import type { ContainerRecord } from "../containers/container.ts";
import { buildSpec } from "../containers/spec/build-spec.ts";
import { type ResolvedUser, resolveUser } from "../containers/user.ts";
import type { ReadySandbox } from "../sandboxes/sandbox-service.ts";
import type { UsableHandler } from "../tasks/handler-table.ts";
import type { Task } from "../tasks/task-runtime.ts";
import { containerEvent } from "./container-events.ts";
import { superviseContainer } from "./container-exit.ts";
import type { ContainerIo } from "./container-io.ts";
import { type Engine, rootfsPath } from "./engine.ts";
import { joinedContainer, sandboxStart } from "./sandbox-request.ts";
import { startFailureExitCode } from "./start-failure.ts";

const accountFileLimit = 4 * 1024 * 1024;

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
    await cleanup(async () => {
      await engine.io.close(id);
      await engine.registry.updateState(id, {
        error: messageOf(error),
        exitCode: startFailureExitCode(error),
        finishedAt: Date.now(),
      });
    });
    throw error;
  }
  return { alreadyRunning: false };
}

async function run(engine: Engine, record: ContainerRecord, signal: AbortSignal): Promise<void> {
  const usable = await engine.handlers.use(record.handler, { signal });
  await using undo = new AsyncDisposableStack();
  usable.runtime.warm?.({ id: record.id, sandboxId: record.sandboxId, handler: usable.handler });
  undo.defer(async () => await cleanup(async (fresh) => await usable.runtime.purge(record.id, { signal: fresh })));
  const rootfs = rootfsPath(engine, record.id);
  undo.defer(async () => await cleanup(async () => await engine.mounts.deactivate(rootfs)));
  undo.defer(async () => await cleanup(async () => await engine.sandboxes.stop(record.sandboxId)));
  const [sandbox, user, io] = await settleAll([
    engine.sandboxes.start(sandboxStart(engine, record), { signal }),
    prepareRootfs(engine, record, rootfs),
    engine.io.ensure(record),
  ]);
  await failpoint("start-container:prepared");
  const task = await usable.runtime.create(
    {
      id: record.id,
      sandboxId: record.sandboxId,
      handler: usable.handler,
      spec: specOf(engine, { record, usable, sandbox, user, rootfs }),
      rootfs,
      stdio: io.streams.stdio,
    },
    { signal },
  );
  await failpoint("start-container:created");
  await task.start({ signal });
  await failpoint("start-container:started");
  await started(engine, { record, task, sandbox, io });
  undo.move();
}

/** Records that it runs and begins to watch it. */
async function started(
  engine: Engine,
  { record, task, sandbox, io }: { record: ContainerRecord; task: Task; sandbox: ReadySandbox; io: ContainerIo },
): Promise<void> {
  const ports = sandbox.record.attachments.flatMap((attachment) => attachment.ports);
  const running = await engine.registry.update(record.id, {
    ports,
    state: { status: "running", pid: task.pid, exitCode: 0, oomKilled: false, error: "", startedAt: Date.now() },
  });
  engine.events.publish(containerEvent("start", running));
  superviseContainer(engine, running, task, io);
  if (io.stdinEnded) await cleanup(async (fresh) => await task.closeStdin({ signal: fresh }));
}

/** Mounts the root filesystem and looks up in it who the process runs as. */
async function prepareRootfs(engine: Engine, record: ContainerRecord, rootfs: string): Promise<ResolvedUser> {
  await engine.mounts.activate(rootfs, await engine.snapshotter.mounts(record.snapshotKey));
  const text = async (path: string) => {
    const bytes = await engine.rootFilesystem.readFile(rootfs, path, { maximumBytes: accountFileLimit });
    return bytes === undefined ? "" : new TextDecoder().decode(bytes);
  };
  const image = engine.images.get(record.imageId);
  const user = resolveUser({
    user: record.config.user ?? image.config.config?.User ?? "",
    groupAdd: record.config.groupAdd,
    passwd: await text("/etc/passwd"),
    group: await text("/etc/group"),
  });
  const workingDirectory = record.config.workingDirectory ?? image.config.config?.WorkingDir;
  if (workingDirectory !== undefined && workingDirectory.startsWith("/") && workingDirectory !== "/") {
    await engine.rootFilesystem.ensureDirectory(rootfs, workingDirectory, {
      mode: 0o755,
      uid: user.uid,
      gid: user.gid,
    });
  }
  return user;
}

function specOf(
  engine: Engine,
  parts: { record: ContainerRecord; usable: UsableHandler; sandbox: ReadySandbox; user: ResolvedUser; rootfs: string },
): RuntimeSpec {
  const { record, usable, sandbox, user, rootfs } = parts;
  const networkOwner = joinedContainer(engine, record.config.networkMode);
  const files = networkOwner === undefined ? sandbox.files : engine.sandboxes.filePaths(networkOwner.sandboxId);
  const pidOwner = joinedContainer(engine, record.config.pidMode);
  return buildSpec({
    record,
    image: engine.images.get(record.imageId).config,
    host: engine.host,
    user,
    rootfs,
    namespaces: {
      ...sandbox.record.namespaces,
      ...(pidOwner !== undefined && { pid: `/proc/${pidOwner.state.pid}/ns/pid` }),
    },
    networkFiles: files,
    features: usable.features,
    initPath: engine.settings.paths.init,
  });
}

/** Waits for all, also when one fails, so that nothing goes on behind the clean-up; then throws the first failure. */
async function settleAll<A, B, C>(promises: [Promise<A>, Promise<B>, Promise<C>]): Promise<[A, B, C]> {
  await Promise.allSettled(promises);
  return await Promise.all(promises);
}
