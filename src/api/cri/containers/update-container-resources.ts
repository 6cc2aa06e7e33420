// SPDX-License-Identifier: Apache-2.0

import { defined } from "../../../base/defined.ts";
import { updateContainer } from "../../../core/lifecycle/update-container.ts";
import type * as cri from "../../../gen/runtime/v1/api_pb.js";
import type { CriRuntime, Waiting } from "../runtime/deps.ts";
import { getContainer } from "../runtime/find.ts";
import { toOomScoreAdj, toResourceLimits } from "./config/resources.ts";

/** 0 and empty leave a limit as it is. */
export async function updateContainerResources(
  { engine }: CriRuntime,
  { containerId, linux }: cri.UpdateContainerResourcesRequest,
  { signal }: Waiting,
) {
  const record = getContainer(engine, containerId);
  if (linux === undefined) return {};
  const change = { resources: toResourceLimits(linux, engine.host), ...defined({ oomScoreAdj: toOomScoreAdj(linux) }) };
  await updateContainer(engine, record.id, change, { signal });
  return {};
}
