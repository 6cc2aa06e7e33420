// SPDX-License-Identifier: Apache-2.0
// The driver "shim": runs tasks through any containerd shim (Runtime v2), and so through any OCI runtime that one drives.

import { alreadyExists, hasCode, messageOf } from "../../../base/errors.ts";
import { KeyedLock } from "../../../base/keyed-lock.ts";
import { cleanup, TaskGroup } from "../../../base/lifetime.ts";
import type { Logger } from "../../../base/log.ts";
import type {
  RuntimeFeatures,
  RuntimeHandler,
  Task,
  TaskRequest,
  TaskRuntime,
} from "../../../core/tasks/task-runtime.ts";
import { readCgroupLayout } from "../../../linux/cgroup/layout.ts";
import {
  Layout,
  makeDirectory,
  readTaskRecord,
  readTaskRecords,
  removeBundle,
  type TaskRecord,
  writeRecord,
  writeTaskConfig,
} from "./bundle.ts";
import { createInShim, resolveBinary } from "./create-task.ts";
import { ShimEvents } from "./events.ts";
import { probeHandler } from "./probe.ts";
import { endInShim, endRuntimeCommands, readLastExit, removeOrphans, removeRemains } from "./remains.ts";
import type { Shim, ShimEnvironment } from "./shim.ts";
import { ShimPool } from "./shim-pool.ts";
import { ShimTask } from "./task.ts";
import { isOomKilled, taskCgroups } from "./task-cgroup.ts";

export interface ShimRuntimeDependencies {
  readonly logger: Logger;
  /** Under /run, gone at reboot, this daemon's alone; bundles, shims and their records lie in it. */
  readonly stateDirectory: string;
  /** containerd's namespace, in which shims and runtimes keep their tasks. */
  readonly namespace: string;
  /** Where shims send events; the same path after a restart, else they cannot find it. */
  readonly eventSocketPath: string;
}

/** Ready to run, with the shims of an earlier daemon found again and those that nobody needs removed. */
export async function openShimRuntime(
  dependencies: ShimRuntimeDependencies,
  { signal }: { readonly signal: AbortSignal },
): Promise<TaskRuntime> {
  const { logger, namespace, eventSocketPath, stateDirectory } = dependencies;
  const layout = new Layout(stateDirectory);
  const environment = { layout, cgroups: await readCgroupLayout(), logger, namespace, eventSocketPath };
  await using undo = new AsyncDisposableStack();
  environment.layout.prepare();
  const events = undo.use(new ShimEvents(logger));
  await events.listen(eventSocketPath);
  const pool = undo.use(new ShimPool(environment));
  await removeOrphans(environment, { signal });
  await pool.recover({ signal });
  undo.move();
  return new ShimRuntime(environment, pool, events);
}

class ShimRuntime implements TaskRuntime {
  readonly #environment: ShimEnvironment;
  readonly #pool: ShimPool;
  readonly #events: ShimEvents;
  readonly #group: TaskGroup;
  readonly #lock = new KeyedLock();
  /** Sandboxes by the id of a task that was announced and not made yet. */
  readonly #announced = new Map<string, string>();
  /** Of tasks that are there: a bundle that somebody deleted must not hide its task. */
  readonly #records = new Map<string, TaskRecord>();

  constructor(environment: ShimEnvironment, pool: ShimPool, events: ShimEvents) {
    this.#environment = environment;
    this.#pool = pool;
    this.#events = events;
    this.#group = new TaskGroup((error, name) => {
      environment.logger.warn({ work: name, error: messageOf(error) }, "background work of the shim runtime failed");
    });
  }

  warm(request: { readonly id: string; readonly sandboxId: string; readonly handler: RuntimeHandler }): void {
    this.#announced.set(request.id, request.sandboxId);
    this.#group.run(`start the shim of ${request.sandboxId}`, async (signal) => {
      await this.#pool.acquire(request, { signal });
    });
  }

  async create(request: TaskRequest, { signal }: { readonly signal: AbortSignal }): Promise<Task> {
    const { layout } = this.#environment;
    using _held = await this.#lock.acquire(request.id, { signal });
    if (readTaskRecord(layout, request.id) !== undefined) throw alreadyExists("container", request.id);
    const record: TaskRecord = {
      id: request.id,
      sandboxId: request.sandboxId,
      handler: resolveBinary(request.handler),
      ...(request.spec.linux.cgroupsPath === undefined ? {} : { cgroupsPath: request.spec.linux.cgroupsPath }),
    };
    this.#announced.delete(request.id);
    try {
      return await this.#create(request, record, signal);
    } catch (error) {
      await this.#undoCreate(record);
      throw error;
    }
  }

  async adopt(id: string, { signal }: { readonly signal: AbortSignal }): Promise<Task | undefined> {
    using _held = await this.#lock.acquire(id, { signal });
    const record = readTaskRecord(this.#environment.layout, id);
    if (record === undefined) return undefined;
    try {
      const shim = await this.#pool.find(record.sandboxId, { signal });
      const state = await shim.call(shim.method.state, { id }, { signal });
      const task = this.#taskOf(record, shim, state.pid);
      task.restore(state);
      return task;
    } catch (error) {
      if (!hasCode(error, "unavailable") && !hasCode(error, "not-found")) throw error;
      this.#environment.logger.debug({ id, error: messageOf(error) }, "nothing can be asked of this task any more");
      return undefined;
    }
  }

  async purge(id: string, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    using _held = await this.#lock.acquire(id, { signal });
    const sandboxId = this.#announced.get(id);
    this.#announced.delete(id);
    const record = readTaskRecord(this.#environment.layout, id) ?? this.#records.get(id);
    if (record !== undefined) await this.#purge(record, signal);
    else if (sandboxId !== undefined) await this.#pool.release(sandboxId, id, { signal });
  }

  async list(): Promise<readonly string[]> {
    return readTaskRecords(this.#environment.layout).map(({ id }) => id);
  }

  async probe(handler: RuntimeHandler, { signal }: { readonly signal: AbortSignal }): Promise<RuntimeFeatures> {
    return await probeHandler(handler, this.#environment, { signal });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#group[Symbol.asyncDispose]();
    // Shims that were started ahead for tasks that never came.
    await cleanup(async (signal) => {
      for (const [id, sandboxId] of this.#announced) await this.#pool.release(sandboxId, id, { signal });
    });
    this.#pool[Symbol.dispose]();
    await this.#events[Symbol.asyncDispose]();
  }

  async #create(request: TaskRequest, record: TaskRecord, signal: AbortSignal): Promise<ShimTask> {
    const bundle = this.#environment.layout.bundle(record.id);
    makeDirectory(bundle);
    writeRecord(bundle, "task.json", record);
    writeTaskConfig(bundle, request);
    const shim = await this.#pool.acquire(record, { signal });
    const { pid, record: complete } = await createInShim(this.#environment, shim, { request, record }, { signal });
    const task = this.#taskOf(complete, shim, pid);
    task.watch();
    return task;
  }

  async #undoCreate(record: TaskRecord): Promise<void> {
    try {
      await cleanup((signal) => this.#purge(record, signal));
    } catch (error) {
      // The caller hears why create failed; the record is still there for a later purge.
      this.#environment.logger.warn({ id: record.id, error: messageOf(error) }, "a failed create left something");
    }
  }

  #taskOf(record: TaskRecord, shim: Shim, pid: number): ShimTask {
    this.#records.set(record.id, record);
    const bundle = this.#environment.layout.bundle(record.id);
    const dependencies = {
      shim,
      taskId: record.id,
      bundle,
      cgroups: taskCgroups(this.#environment.cgroups, record),
      group: this.#group,
      onShimLost: async () => {
        const exit = await readLastExit(bundle);
        await cleanup((signal) => removeRemains(this.#environment, record, { signal }));
        return exit;
      },
      readOomKilled: async () =>
        this.#events.oomKilled(record.id) || (await isOomKilled(this.#environment.cgroups, record)),
      onDeleted: () => cleanup((signal) => this.#forget(record, signal)),
    };
    return new ShimTask(dependencies, pid);
  }

  /** Ends and removes a task whatever state it is in. */
  async #purge(record: TaskRecord, signal: AbortSignal): Promise<void> {
    const { layout, logger } = this.#environment;
    await endRuntimeCommands(layout.shim(record.sandboxId), record.id);
    try {
      const shim = await this.#pool.find(record.sandboxId, { signal });
      await endInShim(shim, record.id, { signal });
    } catch (error) {
      signal.throwIfAborted();
      // The shim is gone or does not know it: its traces are removed without it.
      logger.debug({ id: record.id, error: messageOf(error) }, "the shim cannot delete the task");
      // One that hangs would keep whoever waits for its tasks.
      if (hasCode(error, "unavailable")) await this.#pool.kill(record.sandboxId, { signal });
    }
    await removeRemains(this.#environment, record, { signal });
    await this.#forget(record, signal);
  }

  /** Removes the bundle of a task that is gone, and ends the shim if it was the last one's. */
  async #forget(record: TaskRecord, signal: AbortSignal): Promise<void> {
    // The shim goes first: as long as the record is there, a crash in between is recovered by purge.
    await this.#pool.release(record.sandboxId, record.id, { signal });
    await removeBundle(this.#environment.layout.bundle(record.id));
    this.#events.forget(record.id);
    this.#records.delete(record.id);
  }
}
