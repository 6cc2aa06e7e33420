// SPDX-License-Identifier: Apache-2.0

import { invalidArgument } from "../../../base/errors.ts";
import type { RuntimeNamespace, RuntimeNamespaceType } from "../../../oci/runtime/spec.ts";
import type { HostFacts } from "../../host/host-facts.ts";
import type { ContainerConfig } from "../container-config.ts";
import type { NamespaceChoice, NamespaceChoices } from "./spec-input.ts";

/** The namespaces of the container; what is the host's is left out. */
export function buildNamespaces(
  choices: NamespaceChoices,
  config: Pick<ContainerConfig, "cgroupnsMode" | "privileged">,
  host: Pick<HostFacts, "cgroup">,
): readonly RuntimeNamespace[] {
  const privateCgroup = hasPrivateCgroupNamespace(config, host);
  return [
    { type: "mount" },
    ...namespace("network", choices.network),
    ...namespace("uts", choices.uts),
    ...namespace("pid", choices.pid),
    ...namespace("ipc", choices.ipc),
    ...(choices.user === undefined ? [] : namespace("user", choices.user)),
    ...(privateCgroup ? [{ type: "cgroup" } as const] : []),
  ];
}

function namespace(type: RuntimeNamespaceType, choice: NamespaceChoice): readonly RuntimeNamespace[] {
  if (choice === "host") return [];
  return [choice === "new" ? { type } : { type, path: choice.path }];
}

/** Private by default on cgroup version 2 only, as Docker has it. */
function hasPrivateCgroupNamespace(
  config: Pick<ContainerConfig, "cgroupnsMode">,
  host: Pick<HostFacts, "cgroup">,
): boolean {
  const mode = config.cgroupnsMode ?? "";
  return mode === "" ? host.cgroup.version === 2 : mode === "private";
}

/** invalid-argument when a mode is none, or two wishes exclude each other. */
export function checkNamespaceModes(config: ContainerConfig): void {
  const check = (what: string, mode: string, allowed: RegExp) => {
    if (!allowed.test(mode)) throw invalidArgument(`invalid ${what}: ${mode}`);
  };
  check("PID mode", config.pidMode, /^(host|pod|container:.+)?$/);
  check("IPC mode", config.ipcMode, /^(private|shareable|host|none|pod|container:.+)?$/);
  check("UTS mode", config.utsMode, /^(host|pod)?$/);
  check("USER mode", config.usernsMode ?? "", /^(host|pod)?$/);
  check("cgroup namespace mode", config.cgroupnsMode ?? "", /^(host|private)?$/);
  check("network mode", config.networkMode, /^(container:.+|[a-zA-Z0-9][a-zA-Z0-9_.-]*)$/);
  const conflict = (what: string, mode: string) => invalidArgument(`conflicting options: ${what} and the ${mode} mode`);
  const joined = config.networkMode.startsWith("container:");
  if (config.hostname !== undefined && config.utsMode === "host") throw conflict("hostname", "UTS");
  if (config.domainname !== undefined && config.utsMode === "host") throw conflict("domainname", "UTS");
  if (config.hostname !== undefined && joined) throw conflict("hostname", "network");
  if (joined && config.dns.length > 0) throw conflict("dns", "network");
  if (joined && config.extraHosts.length > 0) throw conflict("custom host-to-IP mapping", "network");
  if (joined && (config.ports.length > 0 || config.publishAll))
    throw conflict("port publishing", "container type network");
  if (joined && config.exposedPorts.length > 0) throw conflict("port exposing", "container type network");
}
