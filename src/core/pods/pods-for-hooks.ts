// SPDX-License-Identifier: Apache-2.0
// The engine as hooks may use it. Nothing here takes a lock: a hook is called by an operation that may hold it.

import { notFound } from "../../base/errors.ts";
import { adoptLimits } from "../containers/spec/adopt-limits.ts";
import type { HookTarget } from "../hooks/hook-target.ts";
import type { ContainerUpdate } from "../hooks/hook-views.ts";
import type { Engine } from "../lifecycle/engine.ts";
import { stopContainer } from "../lifecycle/kill-container.ts";
import { isVisiblePod } from "../lifecycle/pod-member.ts";
import { containerView, podView } from "../lifecycle/state/hook-views.ts";

export function podsForHooks(engine: Engine): HookTarget {
  return {
    async list() {
      const pods = engine.sandboxes.list().filter(isVisiblePod);
      const ids = new Set<string>(pods.map(({ id }) => id));
      const members = engine.registry.list().filter(({ pod, sandboxId }) => pod !== undefined && ids.has(sandboxId));
      return await Promise.resolve({
        pods: pods.map((pod) => podView(engine, pod)),
        containers: members.map((member) => containerView(engine, member)),
      });
    },

    async update(updates, { signal }) {
      const failed: ContainerUpdate[] = [];
      for (const update of updates) {
        try {
          await applyUpdate(engine, update, signal);
        } catch (error) {
          signal.throwIfAborted();
          engine.logger.warn({ containerId: update.containerId, err: error }, "an update that a hook asked for failed");
          if (!update.ignoreFailure) failed.push(update);
        }
      }
      return failed;
    },

    async evict(evictions) {
      for (const { containerId, reason } of evictions) {
        engine.logger.info({ containerId, reason }, "a hook evicts a container");
        engine.background.run(`evict ${containerId}`, async (signal) => {
          await stopContainer(engine, containerId, { timeoutSeconds: 0, posixSignal: "SIGKILL", signal });
        });
      }
      await Promise.resolve();
    },
  };
}

async function applyUpdate(
  engine: Engine,
  { containerId, resources }: ContainerUpdate,
  signal: AbortSignal,
): Promise<void> {
  const record = engine.registry.find(containerId);
  if (record?.pod === undefined) throw notFound("container", containerId);
  await engine.running.get(record.id)?.task.update(resources, { signal });
  const { config } = record;
  const limits = adoptLimits(config.resources, { built: {}, adjusted: resources });
  await engine.registry.updateLimits(record.id, { ...config, resources: limits }, resources);
}
