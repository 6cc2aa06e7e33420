// SPDX-License-Identifier: Apache-2.0
// Who uses an image: containers that were made from it, or are being made, and those that have it mounted.

import type { Digest } from "../../base/digest.ts";
import type { Engine } from "../lifecycle/engine.ts";

export type ImageUsersSource = Pick<Engine, "registry" | "pins">;

/** Ids of containers. */
export function imageUsers({ registry, pins }: ImageUsersSource, id: Digest): readonly string[] {
  const containers = registry
    .list()
    .filter(({ imageId, mounts }) => imageId === id || mounts.some(({ image }) => image?.id === id));
  return [...containers.map((record) => record.id), ...pins.usersOf(id)];
}
