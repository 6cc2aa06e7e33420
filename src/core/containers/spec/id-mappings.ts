// SPDX-License-Identifier: Apache-2.0

import type { IdMapping } from "../../../base/id-mapping.ts";
import type { RuntimeIdMapping } from "../../../oci/runtime/spec.ts";

/** As the runtime specification writes them. */
export function toRuntimeMappings(mappings: readonly IdMapping[]): readonly RuntimeIdMapping[] {
  return mappings.map(({ containerId, hostId, size }) => ({ containerID: containerId, hostID: hostId, size }));
}
