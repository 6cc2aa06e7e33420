// SPDX-License-Identifier: Apache-2.0
// Ending a task in any state: through its shim if that can be asked, and without it: the OCI runtime's state, processes,
// cgroups.

import { access, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { messageOf, unavailable } from "../../../base/errors.ts";
import { deadlineSignal } from "../../../base/lifetime.ts";
import { sigkill } from "../../../base/posix-signal.ts";
import type { Exit } from "../../../core/tasks/task-runtime.ts";
import { ifThere } from "../../../host/files/errno.ts";
import { findExecutable } from "../../../host/find-executable.ts";
import { killProcess, processesWorkingIn, waitForEnd } from "../../../linux/process/process-identity.ts";
import { readShimRecord, readTaskRecord, type TaskRecord } from "./bundle.ts";
import { run } from "./run.ts";
import type { Shim, ShimEnvironment } from "./shim.ts";
import { removeTaskCgroup } from "./task-cgroup.ts";

/** How long a killed task may take to end; one that is frozen does not. */
const killMs = 2_000;
/** How long a shim may take to answer at all: beyond it counts as dead. */
const answerMs = 5_000;
/** How long an OCI runtime's command may go on when nobody waits for it. */
const commandMs = 5_000;
/** Exit code of a task whose shim died with it: as if killed. */
const killedExitCode = 137;

/** Kills the task's processes and removes its runtime state and cgroups; idempotent. */
export async function removeRemains(
  { cgroups, layout, logger, namespace }: ShimEnvironment,
  record: TaskRecord,
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  const root = join(layout.runtimeRoot(record.handler), namespace);
  const state = join(root, record.id);
  const known = await access(state).then(
    () => true,
    () => false,
  );
  if (known && record.handler.binary !== undefined) {
    try {
      const executable = findExecutable(record.handler.binary);
      const result = await run(executable, ["--root", root, "delete", "--force", record.id], { signal });
      if (result.status !== 0) logger.debug({ id: record.id, stderr: result.stderr }, "the runtime did not delete it");
    } catch (error) {
      signal.throwIfAborted();
      // The runtime may be uninstalled: what follows does without it.
      logger.warn({ id: record.id, error: messageOf(error) }, "the runtime cannot delete what is left of a task");
    }
  }
  await removeTaskCgroup(cgroups, record, { signal });
  await rm(state, { recursive: true, force: true });
}

/**
 * Kills and deletes a task whatever state it is in; fails when the shim does not know it or cannot, with
 * unavailable when the shim does not answer at all.
 */
export async function endInShim(shim: Shim, id: string, { signal }: { readonly signal: AbortSignal }): Promise<void> {
  const answer = deadlineSignal(answerMs, `an answer of the shim of ${shim.sandboxId}`);
  const limited = AbortSignal.any([signal, answer]);
  await shim.call(shim.method.kill, { id, signal: sigkill, all: true }, { signal: limited }).catch(() => {}); // not running
  if (answer.aborted) throw unavailable(`the shim of sandbox ${shim.sandboxId} does not answer`);
  const deadline = AbortSignal.any([signal, deadlineSignal(killMs, "the end of a killed task")]);
  await shim.call(shim.method.wait, { id }, { signal: deadline });
  await shim.call(shim.method.delete, { id }, { signal });
}

/** Ends what an OCI runtime still knows and no bundle tells of: somebody has deleted that. */
export async function removeOrphans(
  environment: ShimEnvironment,
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  const { layout, namespace, logger } = environment;
  const handlers = (await namesIn(layout.shims)).map((name) => readShimRecord(layout, name)?.handler);
  for (const handler of new Map(handlers.map((found) => [found?.name, found])).values()) {
    if (handler === undefined) continue;
    for (const id of await namesIn(join(layout.runtimeRoot(handler), namespace))) {
      if (readTaskRecord(layout, id) !== undefined) continue;
      logger.warn({ id }, "the bundle of a task is gone: ending the task");
      await removeRemains(environment, { id, sandboxId: id, handler }, { signal });
    }
  }
}

async function namesIn(directory: string): Promise<readonly string[]> {
  return (await ifThere(readdir(directory))) ?? [];
}

/**
 * Waits for commands about a task that the shim has given to the OCI runtime for a daemon that is gone: a create would
 * make the task after it was removed. They run in the shim's directory; one that does not end is killed.
 */
export async function endRuntimeCommands(shimDirectory: string, id: string): Promise<void> {
  for (const process of await processesWorkingIn(shimDirectory)) {
    const command = await readFile(`/proc/${process.pid}/cmdline`, "utf8").catch(() => ""); // it has ended
    // Only the runtime's commands end with the task's id.
    if (command.split("\0").at(-2) !== id) continue;
    if (!(await waitForEnd(process, commandMs))) await killProcess(process);
  }
}

/** The exit that a shim wrote down before it died (since containerd 2.4), or else a kill now. */
export async function readLastExit(bundle: string): Promise<Exit> {
  try {
    const document = JSON.parse(await readFile(join(bundle, "exit.json"), "utf8")) as Record<string, unknown>;
    const exitedAt = Date.parse(String(document["Timestamp"]));
    const exitCode = Number(document["Status"]);
    if (Number.isInteger(exitCode) && exitedAt > 0) return { exitCode: exitCode & 0xff, exitedAt };
  } catch {
    // Older shims write none.
  }
  return { exitCode: killedExitCode, exitedAt: Date.now() };
}
