// SPDX-License-Identifier: Apache-2.0

import { verifyPod } from "../../../core/pods/verify-pod.ts";
import type { PodRecord } from "../../../core/sandboxes/sandbox.ts";
import type * as cri from "../../../gen/runtime/v1/api_pb.js";
import { inChunks } from "../chunks.ts";
import type { CriRuntime } from "../runtime/deps.ts";
import { findPod, hasLabels, listPods } from "../runtime/find.ts";
import { podMessage, podState } from "./pod-message.ts";

export async function listPodSandbox({ engine }: CriRuntime, { filter }: cri.ListPodSandboxRequest) {
  return { items: (await select(engine, filter)).map(podMessage) };
}

export async function* streamPodSandboxes({ engine }: CriRuntime, { filter }: cri.StreamPodSandboxesRequest) {
  for (const records of inChunks(await select(engine, filter))) yield { podSandboxes: records.map(podMessage) };
}

/** All conditions must hold; an id may be the beginning of one. */
async function select(
  engine: CriRuntime["engine"],
  filter: cri.PodSandboxFilter | undefined,
): Promise<readonly PodRecord[]> {
  const { id = "", state, labelSelector = {} } = filter ?? {};
  const one = id === "" ? undefined : findPod(engine, id);
  const candidates = id === "" ? listPods(engine) : one === undefined ? [] : [one];
  const verified = await Promise.all(candidates.map(async (record) => await verifyPod(engine, record)));
  return verified.filter(
    (record) =>
      (state === undefined || podState(record) === state.state) && hasLabels(record.pod.config.labels, labelSelector),
  );
}
