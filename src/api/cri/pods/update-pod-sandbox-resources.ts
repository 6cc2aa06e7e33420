// SPDX-License-Identifier: Apache-2.0

import { updatePodResources } from "../../../core/pods/update-pod-resources.ts";
import type * as cri from "../../../gen/runtime/v1/api_pb.js";
import { toResourceLimits } from "../containers/config/resources.ts";
import type { CriRuntime, Waiting } from "../runtime/deps.ts";
import { getPod } from "../runtime/find.ts";

/** The kubelet has resized the pod's cgroup and says so. */
export async function updatePodSandboxResources(
  { engine }: CriRuntime,
  { podSandboxId, overhead, resources }: cri.UpdatePodSandboxResourcesRequest,
  { signal }: Waiting,
) {
  const record = getPod(engine, podSandboxId);
  const change = {
    ...(overhead !== undefined && { overhead: toResourceLimits(overhead, engine.host) }),
    ...(resources !== undefined && { resources: toResourceLimits(resources, engine.host) }),
  };
  await updatePodResources(engine, record.id, change, { signal });
  return {};
}
