// SPDX-License-Identifier: Apache-2.0

import type { SandboxId } from "../../base/ids.ts";
import type { ResourceLimits } from "../containers/container-config.ts";
import { buildResources } from "../containers/spec/resources.ts";
import type { Engine } from "../lifecycle/engine.ts";
import { visiblePod } from "../lifecycle/pod-member.ts";
import { podView } from "../lifecycle/state/hook-views.ts";
import type { PodRecord } from "../sandboxes/sandbox.ts";

/** What an orchestrator has changed of the pod's cgroup. */
export interface PodResources {
  readonly overhead?: ResourceLimits;
  readonly resources?: ResourceLimits;
}

/** Records what the orchestrator did and tells hooks, before and after; a hook may refuse it. */
export async function updatePodResources(
  engine: Engine,
  id: SandboxId,
  change: PodResources,
  { signal }: { readonly signal: AbortSignal },
): Promise<PodRecord> {
  using _held = await engine.locks.acquire(id, { signal });
  const record = visiblePod(engine, id);
  using hooks = engine.hooks.enter();
  await hooks.updatePodSandbox(
    podView(engine, record),
    {
      ...(change.overhead !== undefined && { overhead: buildResources(change.overhead, engine.host) }),
      ...(change.resources !== undefined && { resources: buildResources(change.resources, engine.host) }),
    },
    { signal },
  );
  const updated = await engine.sandboxes.updatePod(id, { config: { ...record.pod.config, ...change } });
  await hooks.postUpdatePodSandbox(podView(engine, updated), { signal });
  return updated;
}
