// SPDX-License-Identifier: Apache-2.0
// The mounts that a user asked for, as the runtime gets them.

import { failedPrecondition } from "../../../../base/errors.ts";
import type { BindMountRequest, MountRequest } from "../../../../base/parse/mount-request.ts";
import type { RuntimeMount } from "../../../../oci/runtime/spec.ts";
import type { SpecInput } from "../spec-input.ts";
import { hostFileMappings, mapped } from "./id-mappings.ts";
import { tmpfsOptions } from "./tmpfs-options.ts";

type MountFacts = Pick<SpecInput, "features" | "idMappings">;

/** source: where it is on the host; failed-precondition for what this runtime or kernel cannot do. */
export function toRuntimeMount(request: MountRequest, source: string, facts: MountFacts): RuntimeMount {
  const destination = request.target;
  switch (request.type) {
    case "tmpfs":
      return { destination, type: "tmpfs", source: "tmpfs", options: tmpfsOptions(request) };
    case "volume":
      return {
        destination,
        type: "bind",
        source,
        ...hostFileMappings(facts, ["rbind", "rprivate", ...(request.readOnly ? ["ro"] : [])]),
      };
    case "image":
      // Whoever mounted it has mapped its owners.
      return { destination, type: "bind", source, options: ["rbind", "rprivate", "ro"] };
    case "bind":
      return bindMount(request, source, facts.features);
  }
}

function bindMount(request: BindMountRequest, source: string, features: SpecInput["features"]): RuntimeMount {
  const { recursive, idMappings } = request;
  const deep = features.recursiveReadOnly === true && (recursive === "enabled" || recursive === "readonly");
  if (recursive === "readonly" && !deep) {
    throw failedPrecondition("cannot bind with bind-recursive=readonly: kernel or runtime cannot do it (rro)");
  }
  if (idMappings !== undefined && features.idMappedMounts !== true) {
    throw failedPrecondition(`cannot map the owners of ${request.source}: kernel or runtime cannot do it (idmap)`);
  }
  const options = [
    recursive === "disabled" ? "bind" : "rbind",
    request.propagation ?? "rprivate",
    ...(request.readOnly ? [deep ? "rro" : "ro"] : []),
  ];
  return {
    destination: request.target,
    type: "bind",
    source,
    ...(idMappings === undefined ? { options } : mapped(options, idMappings)),
  };
}
