// SPDX-License-Identifier: Apache-2.0

import { unavailable } from "../../../../base/errors.ts";
import type { HookTarget } from "../../../../core/hooks/hook-target.ts";
import type { ContainerEviction, ContainerUpdate } from "../../../../gen/nri/pkg/api/v1alpha1/api_pb.js";
import { evictionFromNri, updateFromNri } from "./collected-updates.ts";

/** Does what a plugin wants out of its own accord; the result is what could not be done. */
export async function unsolicitedUpdate(
  target: HookTarget,
  {
    updates,
    evictions,
  }: { readonly updates: readonly ContainerUpdate[]; readonly evictions: readonly ContainerEviction[] },
  options: { readonly signal: AbortSignal },
): Promise<readonly ContainerUpdate[]> {
  if (evictions.length > 0) await target.evict(evictions.map(evictionFromNri), options);
  const failed = await target.update(updates.map(updateFromNri), options);
  const ids = new Set(failed.map(({ containerId }) => containerId));
  return updates.filter(({ containerId }) => ids.has(containerId));
}

/** Before there is an engine. */
export const noTarget: HookTarget = {
  list: async () => ({ pods: [], containers: [] }),
  update: async (updates) => updates,
  evict: async () => {
    throw unavailable("the engine is not there yet");
  },
};
