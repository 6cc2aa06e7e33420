// SPDX-License-Identifier: Apache-2.0

import { invalidArgument } from "../../../../base/errors.ts";
import { type IdMapping, type IdMappings, toHostId } from "../../../../base/id-mapping.ts";
import type { RuntimeIdMapping, RuntimeMount } from "../../../../oci/runtime/spec.ts";
import type { ResolvedUser } from "../../user.ts";
import type { SpecInput } from "../spec-input.ts";

/** As the runtime specification writes them. */
export function toRuntimeMappings(mappings: readonly IdMapping[]): readonly RuntimeIdMapping[] {
  return mappings.map(({ containerId, hostId, size }) => ({ containerID: containerId, hostID: hostId, size }));
}

/** A bind with mapped owners. Only the mount itself is mapped, not what is mounted below it. */
export function mapped(
  options: readonly string[],
  mappings: IdMappings,
): Pick<RuntimeMount, "options" | "uidMappings" | "gidMappings"> {
  return {
    options: [...options, "idmap"],
    uidMappings: toRuntimeMappings(mappings.uidMappings),
    gidMappings: toRuntimeMappings(mappings.gidMappings),
  };
}

/** A bind of what the engine keeps for the container: to a user namespace its owner is the root there. */
export function hostFileMappings(
  { idMappings, features }: Pick<SpecInput, "idMappings" | "features">,
  options: readonly string[],
): Pick<RuntimeMount, "options" | "uidMappings" | "gidMappings"> {
  return idMappings === undefined || features.idMappedMounts !== true ? { options } : mapped(options, idMappings);
}

/** invalid-argument for a user or group that the user namespace does not have: no runtime could become it. */
export function checkMappedUser(user: ResolvedUser, mappings: IdMappings): void {
  if (toHostId(mappings.uidMappings, user.uid) === undefined) {
    throw invalidArgument(`cannot run as user ${user.uid}: the pod's user namespace does not have it`);
  }
  for (const gid of [user.gid, ...user.additionalGids]) {
    if (toHostId(mappings.gidMappings, gid) === undefined) {
      throw invalidArgument(`cannot run with group ${gid}: the pod's user namespace does not have it`);
    }
  }
}
