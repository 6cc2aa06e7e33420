// SPDX-License-Identifier: Apache-2.0
// What a container's own modes mean for its implicit sandbox.

import { failedPrecondition } from "../../../base/errors.ts";
import type { ContainerRecord } from "../../containers/container.ts";
import type { PortMapping } from "../../networks/network-driver.ts";
import type { NamespaceSource, SandboxStart } from "../../sandboxes/sandbox-service.ts";
import type { Engine } from "../engine.ts";

/** The running container that a mode such as "container:<id>" joins; undefined for every other mode. */
export function joinedContainer(engine: Engine, mode: string): ContainerRecord | undefined {
  if (!mode.startsWith("container:")) return undefined;
  const owner = engine.registry.get(mode.slice("container:".length));
  if (!engine.running.has(owner.id)) {
    throw failedPrecondition(`cannot join the namespaces of container ${owner.name}: it is not running`);
  }
  return owner;
}

export function sandboxStart(engine: Engine, record: ContainerRecord): SandboxStart {
  const { config } = record;
  const isNamedNetwork =
    config.networkMode !== "none" && config.networkMode !== "host" && !config.networkMode.startsWith("container:");
  const network =
    config.networkMode === "bridge" || config.networkMode === "default"
      ? engine.settings.defaultNetwork
      : config.networkMode;
  return {
    id: record.sandboxId,
    hostname: record.hostname,
    ...(config.domainname !== undefined && { domainname: config.domainname }),
    network: source(engine, config.networkMode),
    networks: isNamedNetwork ? [{ name: network, aliases: [] }] : [],
    ports: portsOf(record),
    ipc: source(engine, config.ipcMode),
    uts: source(engine, config.utsMode),
    extraHosts: config.extraHosts,
    dns: config.dns,
    dnsSearch: config.dnsSearch,
    dnsOptions: config.dnsOptions,
    sysctls: {},
  };
}

function source(engine: Engine, mode: string): NamespaceSource {
  if (mode === "host") return "host";
  const owner = joinedContainer(engine, mode);
  return owner === undefined ? "own" : { sandboxId: owner.sandboxId };
}

/** With publishAll every exposed port that is not published already gets a free host port. */
function portsOf(record: ContainerRecord): readonly PortMapping[] {
  const { ports, publishAll } = record.config;
  if (!publishAll) return ports;
  const published = new Set(ports.map((port) => `${port.containerPort}/${port.protocol}`));
  const extra = record.exposedPorts.filter((port) => !published.has(port));
  return [
    ...ports,
    ...extra.map((port): PortMapping => {
      const [number, protocol] = port.split("/");
      return {
        hostIp: "",
        hostPort: 0,
        containerPort: Number(number),
        protocol: protocol === "udp" || protocol === "sctp" ? protocol : "tcp",
      };
    }),
  ];
}
