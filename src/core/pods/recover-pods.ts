// SPDX-License-Identifier: Apache-2.0
// Brings the pods of an earlier daemon and the kernel together, in two steps round the recovery of their containers:
// first which of them still stand, then the last of those that were never finished.

import { messageOf } from "../../base/errors.ts";
import type { SandboxId } from "../../base/ids.ts";
import { deadlineSignal } from "../../base/lifetime.ts";
import type { Engine } from "../lifecycle/engine.ts";
import type { PodRecord } from "../sandboxes/sandbox.ts";
import { supervisePodTask } from "./pod-task.ts";
import { removePodCgroup } from "./run-pod.ts";

/** How long one pod's task may take to answer: the others do not wait for it. */
const adoptDeadlineMs = 10_000;

function pods(engine: Engine): readonly PodRecord[] {
  return engine.sandboxes.list().filter((record): record is PodRecord => record.pod !== undefined);
}

/** Takes over the tasks that still run; the result are the pods that are as ready as their records say. */
export async function adoptPods(
  engine: Engine,
  { signal }: { readonly signal: AbortSignal },
): Promise<ReadonlySet<SandboxId>> {
  const whole = await Promise.all(
    pods(engine).map(async (record) => {
      const isReady = record.pod.phase === "started" && record.status === "ready";
      const stands = isReady && (await engine.sandboxes.isWhole(record)) && (await adoptTask(engine, record, signal));
      if (stands) return [record.id];
      // Its containers may go on without it: then it is not taken down here, but by whoever asked for it.
      if (isReady) await engine.sandboxes.update(record.id, { status: "not-ready" });
      return [];
    }),
  );
  return new Set(whole.flat());
}

/** False when it should have a task and has none that runs. */
async function adoptTask(engine: Engine, record: PodRecord, signal: AbortSignal): Promise<boolean> {
  if (!record.pod.hasTask) return true;
  const limited = AbortSignal.any([signal, deadlineSignal(adoptDeadlineMs, `adopting pod ${record.id}`)]);
  try {
    const task = await engine.handlers.runtime(record.pod.handler).adopt(record.id, { signal: limited });
    if (task === undefined || (await task.status({ signal: limited })) === "stopped") return false;
    supervisePodTask(engine, record, task);
    return true;
  } catch (error) {
    signal.throwIfAborted();
    engine.logger.error({ sandboxId: record.id, err: error }, `could not adopt a pod's task: ${messageOf(error)}`);
    return false;
  }
}

/** The pods that had not been made when the daemon before ended: recovery takes them down. */
export function unfinishedPods(engine: Engine): readonly PodRecord[] {
  return pods(engine).filter(({ pod }) => pod.phase === "starting");
}

/** The last that is left of them when nothing of them runs any more. */
export async function removeCgroupsOf(engine: Engine, unfinished: readonly PodRecord[]): Promise<void> {
  for (const { id, pod } of unfinished) {
    try {
      await removePodCgroup(engine, pod);
    } catch (error) {
      engine.logger.error({ sandboxId: id, err: error }, "the cgroup of a pod left half-made could not be removed");
    }
  }
}
