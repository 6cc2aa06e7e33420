// SPDX-License-Identifier: Apache-2.0
// A pod as CRI asks for it (cri-api PodSandboxConfig), in the engine's terms.

import { defined } from "../../../base/defined.ts";
import { invalidArgument } from "../../../base/errors.ts";
import type { Engine } from "../../../core/lifecycle/engine.ts";
import type { PortMapping } from "../../../core/networks/network-driver.ts";
import type { PodConfig } from "../../../core/sandboxes/pod.ts";
import * as cri from "../../../gen/runtime/v1/api_pb.js";
import { toUserNamespace } from "../containers/config/namespaces.ts";
import { profileOptions, type SeccompSupport } from "../containers/config/profiles.ts";
import { toResourceLimits } from "../containers/config/resources.ts";
import { labelOptions } from "../containers/config/security.ts";

/** invalid-argument for what makes no sense; what the handler cannot do is found out when it is run. */
export async function toPodConfig(
  message: cri.PodSandboxConfig | undefined,
  runtimeHandler: string,
  { engine, features }: { readonly engine: Pick<Engine, "host">; readonly features: SeccompSupport["features"] },
): Promise<PodConfig> {
  if (message === undefined) throw invalidArgument("the request has no pod sandbox config");
  const { metadata, linux, dnsConfig } = message;
  if (metadata === undefined) throw invalidArgument("pod sandbox config must include metadata");
  const security = linux?.securityContext;
  const options = security?.namespaceOptions;
  const { host } = engine;
  return {
    metadata: {
      name: metadata.name,
      uid: metadata.uid,
      namespace: metadata.namespace,
      attempt: metadata.attempt,
    },
    hostname: message.hostname,
    logDirectory: message.logDirectory,
    labels: message.labels,
    annotations: message.annotations,
    ports: message.portMappings.filter(({ hostPort }) => hostPort > 0).map(toPort),
    cgroupParent: linux?.cgroupParent ?? "",
    network: toNamespace("network", options?.network) === "host" ? "host" : "pod",
    ipc: toNamespace("IPC", options?.ipc) === "host" ? "host" : "pod",
    pid: toNamespace("PID", options?.pid),
    sysctls: linux?.sysctls ?? {},
    privileged: security?.privileged === true,
    securityOptions: [
      ...(security?.privileged === true ? ["seccomp=unconfined"] : await profileOptions(security, { host, features })),
      ...labelOptions(security?.selinuxOptions),
    ],
    ...defined({
      dns: dnsConfig === undefined || isEmpty(dnsConfig) ? undefined : toDns(dnsConfig),
      userNamespace: toUserNamespace(options?.usernsOptions),
      overhead: linux?.overhead === undefined ? undefined : toResourceLimits(linux.overhead, host),
      resources: linux?.resources === undefined ? undefined : toResourceLimits(linux.resources, host),
      runtimeHandler: runtimeHandler === "" ? undefined : runtimeHandler,
    }),
  };
}

function toNamespace(what: string, mode = cri.NamespaceMode.POD): PodConfig["pid"] {
  switch (mode) {
    case cri.NamespaceMode.POD:
      return "pod";
    case cri.NamespaceMode.CONTAINER:
      return "container";
    case cri.NamespaceMode.NODE:
      return "host";
    case cri.NamespaceMode.TARGET:
      throw invalidArgument(`the ${what} namespace of a pod cannot be a container's (mode TARGET)`);
    default:
      throw invalidArgument(`unknown mode of the ${what} namespace: ${String(mode)}`);
  }
}

const protocols = {
  [cri.Protocol.TCP]: "tcp",
  [cri.Protocol.UDP]: "udp",
  [cri.Protocol.SCTP]: "sctp",
} as const satisfies Record<cri.Protocol, PortMapping["protocol"]>;

function toPort({ protocol, containerPort, hostPort, hostIp }: cri.PortMapping): PortMapping {
  for (const port of [containerPort, hostPort]) {
    if (port < 1 || port > 65_535) throw invalidArgument(`invalid port mapping ${hostPort} to ${containerPort}`);
  }
  const name = (protocols as Readonly<Record<number, PortMapping["protocol"]>>)[protocol];
  if (name === undefined) throw invalidArgument(`unknown protocol of a port mapping: ${String(protocol)}`);
  return { hostIp, hostPort, containerPort, protocol: name };
}

function isEmpty({ servers, searches, options }: cri.DNSConfig): boolean {
  return servers.length + searches.length + options.length === 0;
}

function toDns({ servers, searches, options }: cri.DNSConfig): NonNullable<PodConfig["dns"]> {
  for (const word of [...servers, ...searches, ...options]) {
    if (/[\s\0]/.test(word)) throw invalidArgument(`invalid DNS setting ${JSON.stringify(word)}`);
  }
  return { servers, searches, options };
}
