// SPDX-License-Identifier: Apache-2.0

import { stopContainer as stopInEngine } from "../../../core/lifecycle/kill-container.ts";
import type * as cri from "../../../gen/runtime/v1/api_pb.js";
import type { CriRuntime, Waiting } from "../runtime/deps.ts";
import { findContainer } from "../runtime/find.ts";

/** Succeeds for one that does not run or is not there. A timeout of 0 kills at once. */
export async function stopContainer(
  { engine }: CriRuntime,
  { containerId, timeout }: cri.StopContainerRequest,
  { signal }: Waiting,
) {
  const record = findContainer(engine, containerId);
  if (record === undefined) return {};
  const seconds = Number(timeout);
  await stopInEngine(engine, record.id, {
    timeoutSeconds: Math.max(seconds, 0),
    // The kubelet repeats the call while the container takes its time.
    ...(seconds <= 0 ? { posixSignal: "SIGKILL" } : { onlyOnce: true }),
    signal,
  });
  return {};
}
