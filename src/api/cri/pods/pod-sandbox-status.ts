// SPDX-License-Identifier: Apache-2.0

import { membersOf } from "../../../core/pods/stop-pod.ts";
import { verifyPod } from "../../../core/pods/verify-pod.ts";
import type * as cri from "../../../gen/runtime/v1/api_pb.js";
import { containerStatusMessage } from "../containers/container-message.ts";
import type { CriRuntime } from "../runtime/deps.ts";
import { getPod, isMember } from "../runtime/find.ts";
import { toNanoseconds } from "../times.ts";
import { podStatusMessage } from "./pod-message.ts";

/** With the statuses of its containers, so that one call tells the kubelet everything. */
export async function podSandboxStatus({ engine }: CriRuntime, { podSandboxId, verbose }: cri.PodSandboxStatusRequest) {
  const record = await verifyPod(engine, getPod(engine, podSandboxId));
  return {
    status: podStatusMessage(record),
    // The newest first: a kubelet that is told of events takes the first of a name for the present one.
    containersStatuses: membersOf(engine, record.id)
      .filter(isMember)
      .toReversed()
      .map((member) => containerStatusMessage(engine, member)),
    timestamp: toNanoseconds(Date.now()),
    info: verbose ? { info: JSON.stringify({ ...record, pid: record.pod.pid }) } : {},
  };
}
