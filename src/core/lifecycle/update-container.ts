// SPDX-License-Identifier: Apache-2.0
// Changes the limits of a container, running or not.

import { defined } from "../../base/defined.ts";
import { conflict, type EngineError, failedPrecondition, hasCode } from "../../base/errors.ts";
import type { RuntimeResources } from "../../oci/runtime/spec.ts";
import type { ContainerRecord } from "../containers/container.ts";
import type { ResourceLimits, RestartPolicy } from "../containers/container-config.ts";
import { adoptLimits } from "../containers/spec/adopt-limits.ts";
import { buildResources } from "../containers/spec/resources.ts";
import type { Engine } from "./engine.ts";
import { visiblePod } from "./pod-member.ts";
import { containerEvent } from "./state/container-events.ts";
import { containerView, podView } from "./state/hook-views.ts";

/** Only what shall change. */
export interface ContainerChange {
  readonly resources: ResourceLimits;
  readonly oomScoreAdj?: number;
  readonly restartPolicy?: RestartPolicy;
}

/** Applied when it returns, or not at all. */
export async function updateContainer(
  engine: Engine,
  reference: string,
  change: ContainerChange,
  { signal }: { readonly signal: AbortSignal },
): Promise<ContainerRecord> {
  const { id } = engine.registry.get(reference);
  using _held = await engine.locks.acquire(id, { signal });
  const record = engine.registry.get(id);
  const { status } = record.state;
  if (status === "dead") throw conflict(`container ${record.name} is marked for removal and cannot be updated`);
  // Another start of one that is alone gets the new limits; a pod's is not started again.
  if (status === "exited" && record.pod !== undefined) throw hasExited(id);
  checkRestartPolicy(record, change);
  const resources = mergedLimits(record.config.resources, change.resources);
  const built = buildResources(resources, engine.host);
  if (record.pod === undefined) return await apply(engine, record, { change, resources, built }, signal);
  using hooks = engine.hooks.enter();
  const pod = podView(engine, visiblePod(engine, record.sandboxId));
  const adjusted = await hooks.updateContainer(pod, containerView(engine, record), built, { signal });
  const adopted = adoptLimits(resources, { built, adjusted });
  const updated = await apply(engine, record, { change, resources: adopted, built: adjusted }, signal);
  await hooks.postUpdateContainer(pod, containerView(engine, updated), { signal });
  return updated;
}

function checkRestartPolicy({ name, pod, config }: ContainerRecord, { restartPolicy }: ContainerChange): void {
  if (restartPolicy === undefined) return;
  if (pod !== undefined) {
    throw failedPrecondition(`container ${name} belongs to a pod: its orchestrator decides whether it runs again`);
  }
  if (config.autoRemove && restartPolicy.name !== "no") {
    throw conflict(`restart policy of container ${name} cannot be updated: it is removed when it exits`);
  }
}

/** Files of cgroup version 2 are kept one by one. */
function mergedLimits(before: ResourceLimits, change: ResourceLimits): ResourceLimits {
  const unified = { ...before.unified, ...change.unified };
  return { ...before, ...defined(change), ...(Object.keys(unified).length > 0 && { unified }) };
}

interface Applied {
  readonly change: ContainerChange;
  readonly resources: ResourceLimits;
  readonly built: RuntimeResources;
}

async function apply(
  engine: Engine,
  record: ContainerRecord,
  { change, resources, built }: Applied,
  signal: AbortSignal,
): Promise<ContainerRecord> {
  try {
    await engine.running.get(record.id)?.task.update(built, { signal });
  } catch (error) {
    // It ended just now: that is recorded when we are done.
    throw hasCode(error, "not-found") ? hasExited(record.id, error) : error;
  }
  const { oomScoreAdj, restartPolicy } = change;
  const config = { ...record.config, resources, ...defined({ oomScoreAdj, restartPolicy }) };
  const updated = await engine.registry.updateLimits(record.id, config, built);
  engine.events.publish(containerEvent("update", updated));
  return updated;
}

function hasExited(id: string, cause?: unknown): EngineError {
  return failedPrecondition(`container ${id} has exited: its limits cannot be changed`, cause);
}
