// SPDX-License-Identifier: Apache-2.0
// What happens to pods and their containers, as it happens, with how things stand: the kubelet need not ask then.

import type { SandboxId } from "../../../base/ids.ts";
import type { EngineEvent } from "../../../core/events/event-bus.ts";
import type { Engine } from "../../../core/lifecycle/engine.ts";
import { membersOf } from "../../../core/pods/stop-pod.ts";
import type { PodRecord } from "../../../core/sandboxes/sandbox.ts";
import * as cri from "../../../gen/runtime/v1/api_pb.js";
import { containerStatusMessage } from "../containers/container-message.ts";
import { podStatusMessage } from "../pods/pod-message.ts";
import type { CriRuntime, Waiting } from "./deps.ts";
import { isMember } from "./find.ts";

const types: Readonly<Record<string, cri.ContainerEventType>> = {
  create: cri.ContainerEventType.CONTAINER_CREATED_EVENT,
  start: cri.ContainerEventType.CONTAINER_STARTED_EVENT,
  die: cri.ContainerEventType.CONTAINER_STOPPED_EVENT,
  stop: cri.ContainerEventType.CONTAINER_STOPPED_EVENT,
  destroy: cri.ContainerEventType.CONTAINER_DELETED_EVENT,
};

/** From now on, until the client leaves; a pod's own events bear its id in the place of a container's. */
export async function* getContainerEvents({ engine }: CriRuntime, { signal }: Waiting) {
  for await (const event of engine.events.subscribe({ signal })) {
    const sandboxId = podOf(event);
    // Of a container, "stop" is somebody's wish; "die" is its end.
    const isWish = event.type === "container" && event.action === "stop";
    const type = types[event.action];
    if (sandboxId === undefined || type === undefined || isWish) continue;
    yield {
      containerId: event.id,
      containerEventType: type,
      createdAt: event.timeNano,
      ...standing(engine, sandboxId),
    };
  }
}

/** undefined for what does not concern a pod. */
function podOf({ type, id, attributes }: EngineEvent): SandboxId | undefined {
  if (type === "sandbox") return id as SandboxId;
  return type === "container" ? (attributes["sandbox"] as SandboxId | undefined) : undefined;
}

function standing(engine: Engine, id: SandboxId) {
  const record = engine.sandboxes.find(id);
  if (record?.pod === undefined) return {};
  return {
    podSandboxStatus: podStatusMessage(record as PodRecord),
    containersStatuses: membersOf(engine, id)
      .filter(isMember)
      .toReversed()
      .map((member) => containerStatusMessage(engine, member)),
  };
}
