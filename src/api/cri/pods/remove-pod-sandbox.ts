// SPDX-License-Identifier: Apache-2.0

import { removePod } from "../../../core/pods/remove-pod.ts";
import type * as cri from "../../../gen/runtime/v1/api_pb.js";
import type { CriRuntime, Waiting } from "../runtime/deps.ts";
import { findPod } from "../runtime/find.ts";

/** Succeeds for one that is not there. */
export async function removePodSandbox(
  { engine }: CriRuntime,
  { podSandboxId }: cri.RemovePodSandboxRequest,
  { signal }: Waiting,
) {
  const record = findPod(engine, podSandboxId);
  if (record !== undefined) await removePod(engine, record.id, { signal });
  return {};
}
