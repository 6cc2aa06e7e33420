// SPDX-License-Identifier: Apache-2.0
// Stops a pod: its containers at once, then what stands for it, then its network and namespaces. Whatever of it has died
// meanwhile, this goes on to the end; a step that really fails is told, and the next call does the rest.

import { EngineError, hasCode, messageOf } from "../../base/errors.ts";
import { failpoint } from "../../base/failpoint.ts";
import type { ContainerId, SandboxId } from "../../base/ids.ts";
import { deadlineSignal, raceSignal } from "../../base/lifetime.ts";
import { sigkill } from "../../base/posix-signal.ts";
import type { ContainerRecord } from "../containers/container.ts";
import type { Engine } from "../lifecycle/engine.ts";
import { killTask } from "../lifecycle/kill-container.ts";
import { deactivatePodSharedMemory } from "../lifecycle/prepare/shared-memory.ts";
import { podView } from "../lifecycle/state/hook-views.ts";
import type { PodRecord } from "../sandboxes/sandbox.ts";
import { podEvent } from "./pod-events.ts";
import { purgePodTask } from "./pod-task.ts";

/** Does nothing for a pod that is stopped already. */
export async function stopPod(
  engine: Engine,
  id: SandboxId,
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  using _held = await engine.locks.acquire(id, { signal });
  await stopHeld(engine, id, { signal });
}

/** The same for a caller that holds the pod's lock. */
export async function stopHeld(
  engine: Engine,
  id: SandboxId,
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  const found = engine.sandboxes.find(id);
  if (found?.pod === undefined) return;
  const wasReady = found.status === "ready";
  // From now on nothing is created or started in it.
  if (wasReady) await engine.sandboxes.update(id, { status: "not-ready" });
  const record = found as PodRecord;
  await endContainers(engine, id, signal);
  await failpoint("stop-pod:containers");
  // What stands for it may be left all the same, when that failed and the rest did not.
  const isTakenDown = !wasReady && Object.keys(record.namespaces).length === 0 && record.networks.length === 0;
  if (!isTakenDown) await tellStop(engine, record, signal);
  const failures: unknown[] = [];
  for (const step of [
    async () => await purgePodTask(engine, record, { signal }),
    async () => await deactivatePodSharedMemory(engine, record),
    async () => (isTakenDown ? undefined : await engine.sandboxes.stopPod(id)),
  ]) {
    try {
      await step();
    } catch (error) {
      signal.throwIfAborted();
      failures.push(error);
    }
    await failpoint("stop-pod:step");
  }
  if (failures.length > 0) {
    throw new EngineError("internal", `stop pod sandbox ${id}: ${failures.map(messageOf).join("; ")}`, {
      cause: failures[0],
    });
  }
  // Also when an earlier call failed half-way, which told nobody.
  if (!isTakenDown) engine.events.publish(podEvent("stop", record));
}

/** Before anything of it is taken down. */
async function tellStop(engine: Engine, record: PodRecord, signal: AbortSignal): Promise<void> {
  using hooks = engine.hooks.enter();
  await hooks.stopPodSandbox(podView(engine, record), { signal });
}

/** Kills all that run, side by side, and waits for their exits. */
async function endContainers(engine: Engine, id: SandboxId, signal: AbortSignal): Promise<void> {
  const members = membersOf(engine, id);
  await Promise.all(members.map(async (member) => await endContainer(engine, member.id, signal)));
}

async function endContainer(engine: Engine, id: ContainerId, signal: AbortSignal): Promise<void> {
  // A start that is under way has it: it sees that the pod is not ready, or its container is there afterwards.
  const running = await engine.locks.run(id, async () => engine.running.get(id), { signal });
  if (running === undefined) return;
  try {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(killDeadlineMs)]);
    await killTask(running.task, sigkill, { signal: deadline });
    await raceSignal(running.settled, deadline);
    return;
  } catch (error) {
    signal.throwIfAborted();
    if (hasCode(error, "invalid-argument")) throw error;
    engine.logger.warn({ containerId: id, err: error }, "its shim does not end it: purging it");
  }
  const { handler } = engine.registry.get(id);
  await engine.handlers.runtime(handler).purge(id, { signal });
  const settled = deadlineSignal(settleDeadlineMs, `the end of container ${id}`);
  await raceSignal(running.settled, AbortSignal.any([signal, settled]));
}

/** Beyond which a shim is taken for dead. */
const killDeadlineMs = 5_000;
/** Its streams have their time to end, too. */
const settleDeadlineMs = 20_000;

/** The containers of a pod, oldest first. */
export function membersOf(engine: Pick<Engine, "registry">, id: SandboxId): readonly ContainerRecord[] {
  return engine.registry.list().filter(({ sandboxId }) => sandboxId === id);
}
