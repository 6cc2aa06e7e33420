// SPDX-License-Identifier: Apache-2.0
// What confines a container: capabilities, profiles, labels, hidden paths.

import { invalidArgument } from "../../../../base/errors.ts";
import type { ContainerConfig } from "../../../../core/containers/container-config.ts";
import type * as cri from "../../../../gen/runtime/v1/api_pb.js";
import { profileOptions, type SeccompSupport } from "./profiles.ts";

type Security = Pick<
  ContainerConfig,
  | "privileged"
  | "capabilitiesAdd"
  | "capabilitiesDrop"
  | "capabilitiesAmbient"
  | "securityOptions"
  | "readOnlyRoot"
  | "maskedPaths"
  | "readonlyPaths"
>;

/** A privileged container is confined by nothing, whatever else is said. */
export async function toSecurity(
  message: cri.LinuxContainerSecurityContext | undefined,
  { pod, ...support }: SeccompSupport & { readonly pod: { readonly privileged: boolean } },
): Promise<Security> {
  const privileged = message?.privileged === true;
  if (privileged && !pod.privileged) throw invalidArgument("no privileged container allowed in sandbox");
  const capabilities = privileged ? undefined : message?.capabilities;
  return {
    privileged,
    capabilitiesAdd: capabilities?.addCapabilities ?? [],
    capabilitiesDrop: capabilities?.dropCapabilities ?? [],
    capabilitiesAmbient: capabilities?.addAmbientCapabilities ?? [],
    readOnlyRoot: message?.readonlyRootfs === true,
    maskedPaths: checkPaths(message?.maskedPaths ?? []),
    readonlyPaths: checkPaths(message?.readonlyPaths ?? []),
    securityOptions: [
      `no-new-privileges=${message?.noNewPrivs === true}`,
      ...(privileged ? ["seccomp=unconfined"] : await profileOptions(message, support)),
      ...labelOptions(message?.selinuxOptions),
    ],
  };
}

/** label=…, one for each part that is given. */
export function labelOptions(options: cri.SELinuxOption | undefined): readonly string[] {
  const { user = "", role = "", type = "", level = "" } = options ?? {};
  return Object.entries({ user, role, type, level })
    .filter(([, value]) => value !== "")
    .map(([key, value]) => `label=${key}:${value}`);
}

function checkPaths(paths: readonly string[]): readonly string[] {
  const wrong = paths.find((path) => !path.startsWith("/"));
  if (wrong !== undefined)
    throw invalidArgument(`masked and read-only paths must be absolute: ${JSON.stringify(wrong)}`);
  return paths;
}
