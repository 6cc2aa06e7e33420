// SPDX-License-Identifier: Apache-2.0

import type { IdMapping, IdMappings } from "../../../base/id-mapping.ts";

/** A range as CRI shows it. */
export function mappingMessage({ containerId, hostId, size }: IdMapping) {
  return { containerId, hostId, length: size };
}

/** Of a mount; nothing when its owners are not mapped. */
export function mappingMessages(mappings: IdMappings | undefined) {
  if (mappings === undefined) return {};
  return {
    uidMappings: mappings.uidMappings.map(mappingMessage),
    gidMappings: mappings.gidMappings.map(mappingMessage),
  };
}
