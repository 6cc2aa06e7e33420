// SPDX-License-Identifier: Apache-2.0

import { invalidArgument } from "../../../base/errors.ts";
import { sysctlNamespace } from "../../../base/parse/key-value.ts";
import { type ContainerConfig, isOfPod } from "../container-config.ts";

type SysctlConfig = Pick<ContainerConfig, "sysctls" | "networkMode" | "ipcMode" | "utsMode" | "domainname">;

/**
 * What was asked, and Docker's defaults for a network of its own: low ports and ping need no privilege there. A pod's
 * containers have none: its sandbox has them.
 */
export function buildSysctls(config: SysctlConfig): Readonly<Record<string, string>> {
  if (isOfPod(config) && Object.keys(config.sysctls).length > 0) {
    throw invalidArgument("sysctls belong to the pod, not to one of its containers");
  }
  for (const [name, value] of Object.entries(config.sysctls)) checkSysctl(name, value, config);
  const ownNetwork = !/^(host|pod|container:.+)$/.test(config.networkMode);
  return {
    ...(ownNetwork && {
      "net.ipv4.ip_unprivileged_port_start": "0",
      "net.ipv4.ping_group_range": "0 2147483647",
    }),
    ...(config.domainname !== undefined && config.domainname !== "" && { "kernel.domainname": config.domainname }),
    ...config.sysctls,
  };
}

/** Only what the container's own namespaces keep may be set: anything else would change the machine. */
function checkSysctl(name: string, value: string, config: Omit<SysctlConfig, "sysctls">): void {
  const namespace = sysctlNamespace(name);
  if (namespace === undefined || !/^[a-zA-Z0-9_-]+([./][a-zA-Z0-9_@-]+)*$/.test(name)) {
    throw invalidArgument(`sysctl ${JSON.stringify(name)} is not in a separate kernel namespace`);
  }
  if (/[\0\n]/.test(value)) throw invalidArgument(`sysctl ${JSON.stringify(name)} has a line break in its value`);
  const shared =
    (namespace === "network" && config.networkMode === "host") ||
    (namespace === "ipc" && config.ipcMode === "host") ||
    (namespace === "uts" && config.utsMode === "host");
  if (shared)
    throw invalidArgument(`sysctl ${JSON.stringify(name)} is not allowed in the host's ${namespace} namespace`);
}
