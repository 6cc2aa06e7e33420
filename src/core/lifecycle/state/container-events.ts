// SPDX-License-Identifier: Apache-2.0
// Events about containers carry what people filter by: the image, the name and the labels.

import type { ContainerRecord } from "../../containers/container.ts";
import type { EngineEvent } from "../../events/event-bus.ts";

export function containerEvent(
  action: string,
  record: ContainerRecord,
  attributes: Readonly<Record<string, string>> = {},
): Omit<EngineEvent, "timeNano"> {
  return {
    type: "container",
    action,
    id: record.id,
    attributes: {
      ...record.labels,
      image: record.config.image,
      name: record.name,
      // Only those of pods: which one.
      ...(record.pod !== undefined && { sandbox: record.sandboxId }),
      ...attributes,
    },
  };
}
