// SPDX-License-Identifier: Apache-2.0
// A volume in the shape of docker volume inspect, and who has it.

import type { Volume } from "@berth/sdk";
import { formatTimestamp } from "../times.ts";

/** What inspect prints for a volume. */
export function volumeJson(volume: Volume): Record<string, unknown> {
  return {
    CreatedAt: formatTimestamp(volume.createdAt),
    Driver: volume.driver,
    Labels: volume.labels,
    Mountpoint: volume.mountpoint,
    Name: volume.name,
    Options: null,
    Scope: "local",
    UsedBy: volume.usedBy,
  };
}
