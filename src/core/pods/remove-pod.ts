// SPDX-License-Identifier: Apache-2.0
// Removes a pod with all its containers, running or not.

import { hasCode } from "../../base/errors.ts";
import { failpoint } from "../../base/failpoint.ts";
import type { SandboxId } from "../../base/ids.ts";
import type { Engine } from "../lifecycle/engine.ts";
import { removeContainer } from "../lifecycle/remove-container.ts";
import { podView } from "../lifecycle/state/hook-views.ts";
import type { PodRecord } from "../sandboxes/sandbox.ts";
import { podEvent } from "./pod-events.ts";
import { removePodCgroup } from "./run-pod.ts";
import { membersOf, stopHeld } from "./stop-pod.ts";

/** Does nothing for a pod that is gone. */
export async function removePod(
  engine: Engine,
  id: SandboxId,
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  using _held = await engine.locks.acquire(id, { signal });
  await removeHeldPod(engine, id, { signal });
}

/** The same for a caller that holds the pod's lock, or is the only one there. */
export async function removeHeldPod(
  engine: Engine,
  id: SandboxId,
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  const found = engine.sandboxes.find(id);
  if (found?.pod === undefined) return;
  await stopHeld(engine, id, { signal });
  for (const member of membersOf(engine, id)) {
    try {
      await removeContainer(engine, member.id, { force: true, volumes: true, signal });
    } catch (error) {
      if (!hasCode(error, "not-found")) throw error;
    }
  }
  await failpoint("remove-pod:containers");
  using hooks = engine.hooks.enter();
  const record = engine.sandboxes.get(id) as PodRecord;
  await hooks.removePodSandbox(podView(engine, record), { signal });
  await removePodCgroup(engine, record.pod);
  await engine.sandboxes.stop(id);
  engine.events.publish(podEvent("destroy", record));
}
