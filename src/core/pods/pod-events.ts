// SPDX-License-Identifier: Apache-2.0

import type { EngineEvent } from "../events/event-bus.ts";
import type { PodRecord } from "../sandboxes/sandbox.ts";

/** Events about pods carry what tells them apart: name, namespace, uid and their labels. */
export function podEvent(
  action: "create" | "start" | "stop" | "destroy",
  { id, pod }: PodRecord,
): Omit<EngineEvent, "timeNano"> {
  const { name, namespace, uid } = pod.config.metadata;
  return { type: "sandbox", action, id, attributes: { ...pod.config.labels, name, namespace, uid } };
}
