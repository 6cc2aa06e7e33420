// SPDX-License-Identifier: Apache-2.0
// What a pod may ask for, as far as that can be told before anything is made.

import { failedPrecondition, invalidArgument } from "../../base/errors.ts";
import { checkIdMappings } from "../../base/id-mapping.ts";
import { parseIp } from "../../base/parse/port.ts";
import { parseSecurityOptions } from "../containers/security-options.ts";
import type { HostFacts } from "../host/host-facts.ts";
import type { PodConfig } from "../sandboxes/pod.ts";

/** invalid-argument for what no machine could do, failed-precondition for what this one cannot. */
export function checkPodConfig(config: PodConfig, host: HostFacts): void {
  checkMetadata(config);
  checkHostname(config.hostname);
  parseSecurityOptions(config.securityOptions, host);
  checkLogDirectory(config.logDirectory);
  for (const { hostIp } of config.ports) parseIp(hostIp);
  checkCgroupParent(config.cgroupParent);
  checkUserNamespace(config, host);
}

function checkMetadata({ metadata }: PodConfig): void {
  for (const key of ["name", "namespace", "uid"] as const) {
    if (/[\0\n]/.test(metadata[key])) throw invalidArgument(`the pod's ${key} has a line break`);
  }
  if (metadata.name === "") throw invalidArgument("the pod has no name");
}

function checkHostname(hostname: string): void {
  if (hostname.length > 64) throw invalidArgument(`the host name ${hostname} is longer than 64 characters`);
  if (/[\0\s]/.test(hostname)) throw invalidArgument(`invalid host name ${JSON.stringify(hostname)}`);
}

function checkLogDirectory(directory: string): void {
  if (directory === "") return;
  if (!directory.startsWith("/") || directory.split("/").includes("..")) {
    throw invalidArgument(`the log directory ${directory} is not an absolute path without ".."`);
  }
}

function checkCgroupParent(parent: string): void {
  if (/\0/.test(parent) || parent.split("/").includes("..")) {
    throw invalidArgument(`the cgroup parent ${parent} is not a path without ".."`);
  }
}

function checkUserNamespace({ userNamespace, network, pid, ipc, privileged }: PodConfig, host: HostFacts): void {
  if (userNamespace === undefined) return;
  checkIdMappings(userNamespace);
  const { uidMappings, gidMappings } = userNamespace;
  if (uidMappings.length !== 1 || gidMappings.length !== 1) {
    throw invalidArgument("a pod's user namespace takes exactly one range of user ids and one of group ids");
  }
  if (!host.userNamespaces) throw failedPrecondition("this machine's kernel makes no user namespaces");
  const shared = [network === "host" && "network", pid === "host" && "process", ipc === "host" && "IPC"];
  const conflict = shared.find((name) => name !== false);
  if (conflict !== undefined) {
    throw invalidArgument(`a pod with a user namespace cannot share the host's ${conflict} namespace`);
  }
  if (privileged) throw invalidArgument("a pod with a user namespace cannot be privileged");
}
