// SPDX-License-Identifier: Apache-2.0
// A container in the shape of docker inspect, which scripts and editors read.

import type { Container, ContainerConfig, ContainerPod, MountPoint } from "@berth/sdk";
import { networkName } from "../network-names.ts";
import { formatTimestamp } from "../times.ts";
import { hostConfigJson } from "./host-config-json.ts";

/** What inspect prints for a container; Size fields only when they were asked for. */
export function containerJson(container: Container): Record<string, unknown> {
  const { state, config, sizeRwBytes, sizeRootBytes } = container;
  const [path = "", ...args] = container.arguments;
  return {
    Id: container.id,
    Created: formatTimestamp(container.createdAt),
    Path: path,
    Args: args,
    State: {
      Status: state?.status ?? "created",
      Running: state?.status === "running" || state?.status === "paused",
      Paused: state?.status === "paused",
      Restarting: false,
      OOMKilled: state?.oomKilled ?? false,
      Dead: state?.status === "dead",
      Pid: state?.pid ?? 0,
      ExitCode: state?.exitCode ?? 0,
      Error: state?.error ?? "",
      StartedAt: formatTimestamp(state?.startedAt),
      FinishedAt: formatTimestamp(state?.finishedAt),
    },
    Image: container.imageId,
    ResolvConfPath: container.resolvConfPath,
    HostnamePath: container.hostnamePath,
    HostsPath: container.hostsPath,
    LogPath: container.logPath,
    Name: `/${container.name}`,
    RestartCount: 0,
    Driver: container.snapshotter,
    Platform: "linux",
    MountLabel: "",
    ProcessLabel: "",
    AppArmorProfile: "",
    ExecIDs: container.execIds.length === 0 ? null : container.execIds,
    HostConfig: config === undefined ? {} : hostConfigJson(config, container.runtimeHandler),
    GraphDriver: { Name: container.snapshotter, Data: null },
    ...(sizeRwBytes !== undefined && { SizeRw: Number(sizeRwBytes) }),
    ...(sizeRootBytes !== undefined && { SizeRootFs: Number(sizeRootBytes) }),
    Mounts: container.mounts.map((mount) => mountJson(mount)),
    Config: configJson(container, config),
    NetworkSettings: networkSettingsJson(container),
    ...(container.pod !== undefined && { Pod: containerPodJson(container.pod) }),
  };
}

/** Not Docker's: which pod it belongs to, and as what. */
function containerPodJson({ id, name, namespace, uid, containerName, attempt }: ContainerPod): Record<string, unknown> {
  return { Id: id, Name: name, Namespace: namespace, Uid: uid, ContainerName: containerName, Attempt: attempt };
}

function configJson(container: Container, config: ContainerConfig | undefined): Record<string, unknown> {
  return {
    Hostname: container.hostname,
    Domainname: config?.domainname ?? "",
    User: container.user,
    AttachStdin: config?.stdinOnce ?? false,
    AttachStdout: true,
    AttachStderr: true,
    ...(container.exposedPorts.length > 0 && {
      ExposedPorts: Object.fromEntries(container.exposedPorts.map((port) => [port, {}])),
    }),
    Tty: config?.terminal ?? false,
    OpenStdin: config?.openStdin ?? false,
    StdinOnce: config?.stdinOnce ?? false,
    Env: container.environment,
    Cmd: container.command.length === 0 ? null : container.command,
    Image: config?.image ?? "",
    Volumes: null,
    WorkingDir: container.workingDirectory,
    Entrypoint: container.entrypoint.length === 0 ? null : container.entrypoint,
    OnBuild: null,
    Labels: container.labels,
    ...(config?.stopSignal !== undefined && { StopSignal: config.stopSignal }),
    ...(config?.stopTimeoutSeconds !== undefined && { StopTimeout: config.stopTimeoutSeconds }),
  };
}

function mountJson({ type, name, source, destination, readWrite, propagation }: MountPoint): Record<string, unknown> {
  return {
    Type: type,
    ...(name !== "" && { Name: name }),
    Source: source,
    Destination: destination,
    ...(type === "volume" && { Driver: "local" }),
    Mode: "",
    RW: readWrite,
    Propagation: propagation,
  };
}

function networkSettingsJson(container: Container): Record<string, unknown> {
  const networks = Object.fromEntries(
    container.networks.map((attachment) => [networkName(container, attachment), endpointJson(container, attachment)]),
  );
  const { NetworkID: _network, ...first } = networks["bridge"] ?? Object.values(networks)[0] ?? noEndpoint;
  return {
    Bridge: "",
    SandboxID: container.sandboxId,
    SandboxKey: "",
    Ports: portsJson(container),
    EndpointID: first.EndpointID,
    Gateway: first.Gateway,
    GlobalIPv6Address: first.GlobalIPv6Address,
    GlobalIPv6PrefixLen: first.GlobalIPv6PrefixLen,
    IPAddress: first.IPAddress,
    IPPrefixLen: first.IPPrefixLen,
    IPv6Gateway: first.IPv6Gateway,
    MacAddress: first.MacAddress,
    Networks: networks,
  };
}

const noEndpoint = {
  IPAMConfig: null,
  Links: null,
  Aliases: null as readonly string[] | null,
  MacAddress: "",
  DriverOpts: null,
  GwPriority: 0,
  NetworkID: "",
  EndpointID: "",
  Gateway: "",
  IPAddress: "",
  IPPrefixLen: 0,
  IPv6Gateway: "",
  GlobalIPv6Address: "",
  GlobalIPv6PrefixLen: 0,
  DNSNames: null,
};

function endpointJson({ sandboxId }: Container, attachment: Container["networks"][number]): typeof noEndpoint {
  const [address = "", prefix = "0"] = (attachment.addresses.find((text) => !text.includes(":")) ?? "").split("/");
  const [address6 = "", prefix6 = "0"] = (attachment.addresses.find((text) => text.includes(":")) ?? "").split("/");
  return {
    ...noEndpoint,
    MacAddress: attachment.macAddress,
    NetworkID: attachment.network,
    EndpointID: sandboxId,
    Gateway: attachment.gateways.find((gateway) => !gateway.includes(":")) ?? "",
    IPAddress: address,
    IPPrefixLen: Number(prefix),
    IPv6Gateway: attachment.gateways.find((gateway) => gateway.includes(":")) ?? "",
    GlobalIPv6Address: address6,
    GlobalIPv6PrefixLen: Number(prefix6),
  };
}

/** {"80/tcp": [{HostIp, HostPort}], "90/tcp": null}; empty while it does not run. */
function portsJson({ ports, exposedPorts, state }: Container): Record<string, unknown> {
  if (state?.status !== "running" && state?.status !== "paused") return {};
  const bindings = Map.groupBy(ports, ({ containerPort, protocol }) => `${containerPort}/${protocol}`);
  return Object.fromEntries(
    [...new Set([...exposedPorts, ...bindings.keys()])].sort().map((port) => [
      port,
      bindings.get(port)?.map(({ hostIp, hostPort }) => ({
        HostIp: hostIp === "" ? "0.0.0.0" : hostIp,
        HostPort: String(hostPort),
      })) ?? null,
    ]),
  );
}
