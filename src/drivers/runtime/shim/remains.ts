// SPDX-License-Identifier: Apache-2.0
// Ending a task in any state: through its shim if that can be asked, and without it: the OCI runtime's state, processes,
// cgroups.

import { access, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "../../../base/errors.ts";
import { deadlineSignal } from "../../../base/lifetime.ts";
import { sigkill } from "../../../base/posix-signal.ts";
import type { Exit } from "../../../core/tasks/task-runtime.ts";
import { findExecutable } from "../../../host/find-executable.ts";
import { killProcess, processesWorkingIn, waitForEnd } from "../../../linux/process/process-identity.ts";
import type { TaskRecord } from "./bundle.ts";
import { run } from "./run.ts";
import type { Shim, ShimEnvironment } from "./shim.ts";
import { removeTaskCgroup } from "./task-cgroup.ts";

/** How long a killed task may take to end; one that is frozen does not. */
const killMs = 2_000;
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

/** Kills and deletes a task whatever state it is in; fails when the shim does not know it or cannot. */
export async function endInShim(shim: Shim, id: string, { signal }: { readonly signal: AbortSignal }): Promise<void> {
  await shim.call(shim.method.kill, { id, signal: sigkill, all: true }, { signal }).catch(() => {}); // not running
  const deadline = AbortSignal.any([signal, deadlineSignal(killMs, "the end of a killed task")]);
  await shim.call(shim.method.wait, { id }, { signal: deadline });
  await shim.call(shim.method.delete, { id }, { signal });
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
