// SPDX-License-Identifier: Apache-2.0

import type * as cri from "../../../gen/runtime/v1/api_pb.js";
import { inChunks } from "../chunks.ts";
import type { CriRuntime } from "../runtime/deps.ts";
import { findContainer, findPod, hasLabels, isMember, type PodContainer } from "../runtime/find.ts";
import { containerMessage, containerState } from "./container-message.ts";

export function listContainers({ engine }: CriRuntime, { filter }: cri.ListContainersRequest) {
  return { containers: select(engine, filter).map((record) => containerMessage(engine, record)) };
}

export function* streamContainers({ engine }: CriRuntime, { filter }: cri.StreamContainersRequest) {
  for (const records of inChunks(select(engine, filter))) {
    yield { containers: records.map((record) => containerMessage(engine, record)) };
  }
}

/** All conditions must hold; ids may be the beginnings of some. */
function select(engine: CriRuntime["engine"], filter: cri.ContainerFilter | undefined): readonly PodContainer[] {
  const { id = "", podSandboxId = "", state, labelSelector = {} } = filter ?? {};
  const one = id === "" ? undefined : findContainer(engine, id);
  const candidates = id === "" ? engine.registry.list().filter(isMember) : one === undefined ? [] : [one];
  const sandboxId = podSandboxId === "" ? undefined : (findPod(engine, podSandboxId)?.id ?? podSandboxId);
  return candidates.filter(
    (record) =>
      (sandboxId === undefined || record.sandboxId === sandboxId) &&
      (state === undefined || containerState(record) === state.state) &&
      hasLabels(record.config.labels, labelSelector),
  );
}
