// SPDX-License-Identifier: Apache-2.0
// A container's configuration from its message: unset becomes absent, and what cannot be is refused here.

import { defined } from "../../../base/defined.ts";
import { invalidArgument } from "../../../base/errors.ts";
import { isMountPropagation } from "../../../base/parse/mount-request.ts";
import type {
  ContainerConfig,
  MountPropagation,
  MountRequest,
  ResourceLimits,
  RestartPolicy,
} from "../../../core/containers/container-config.ts";
import type { PortMapping } from "../../../core/networks/network-driver.ts";
import type * as proto from "../../../gen/berth/engine/v1/container_pb.js";

/** The configuration that a client asks for; invalid-argument for what it cannot be on any host. */
export function fromConfigMessage(message: proto.ContainerConfig): ContainerConfig {
  if (message.image === "") throw invalidArgument("no image given");
  return {
    ...lists(message),
    ...modes(message),
    image: message.image,
    labels: message.labels,
    terminal: message.terminal,
    openStdin: message.openStdin,
    stdinOnce: message.stdinOnce,
    privileged: message.privileged,
    readOnlyRoot: message.readOnlyRoot,
    publishAll: message.publishAll,
    init: message.init,
    autoRemove: message.autoRemove,
    sysctls: message.sysctls,
    annotations: message.annotations,
    resources: resources(message.resources),
    restartPolicy: restartPolicy(message.restartPolicy),
    ...defined({
      command: message.command.length > 0 ? message.command : undefined,
      entrypoint: message.entrypoint?.values,
      workingDirectory: message.workingDirectory,
      user: message.user,
      hostname: message.hostname,
      domainname: message.domainname,
      stopSignal: message.stopSignal,
      stopTimeoutSeconds: message.stopTimeoutSeconds,
      shmSizeBytes: number(message.shmSizeBytes),
      oomScoreAdj: message.oomScoreAdj,
      cgroupParent: message.cgroupParent,
      runtimeHandler: message.runtimeHandler,
      platform: message.platform,
      logRotation: message.logRotation && {
        maximumSize: Number(message.logRotation.maximumSize),
        maximumFiles: message.logRotation.maximumFiles,
      },
    }),
  };
}

function lists(message: proto.ContainerConfig) {
  return {
    environment: message.environment,
    exposedPorts: message.exposedPorts,
    capabilitiesAdd: message.capabilitiesAdd,
    capabilitiesDrop: message.capabilitiesDrop,
    securityOptions: message.securityOptions,
    mounts: message.mounts.map(mount),
    devices: message.devices.map(({ host, container, permissions }) => ({ host, container, permissions })),
    deviceCgroupRules: message.deviceCgroupRules,
    ulimits: message.ulimits.map(({ name, soft, hard }) => ({ name, soft: Number(soft), hard: Number(hard) })),
    groupAdd: message.groupAdd,
    ports: message.ports.map(port),
    extraHosts: message.extraHosts,
    dns: message.dns,
    dnsSearch: message.dnsSearch,
    dnsOptions: message.dnsOptions,
  };
}

function modes(message: proto.ContainerConfig) {
  return {
    networkMode: message.networkMode === "" ? "bridge" : message.networkMode,
    pidMode: message.pidMode,
    ipcMode: message.ipcMode === "" ? "private" : message.ipcMode,
    utsMode: message.utsMode,
    ...defined({
      usernsMode: message.usernsMode || undefined,
      cgroupnsMode: message.cgroupnsMode || undefined,
    }),
  };
}

export function resources(message: proto.Resources | undefined): ResourceLimits {
  if (message === undefined) return {};
  return defined({
    memoryBytes: number(message.memoryBytes),
    memoryReservationBytes: number(message.memoryReservationBytes),
    memorySwapBytes: number(message.memorySwapBytes),
    memorySwappiness: message.memorySwappiness,
    nanoCpus: number(message.nanoCpus),
    cpuShares: number(message.cpuShares),
    cpuPeriod: number(message.cpuPeriod),
    cpuQuota: number(message.cpuQuota),
    cpusetCpus: message.cpusetCpus,
    cpusetMems: message.cpusetMems,
    pidsLimit: number(message.pidsLimit),
    blkioWeight: message.blkioWeight,
    oomKillDisable: message.oomKillDisable,
  });
}

function mount(message: proto.MountRequest): MountRequest {
  const base = { target: message.target, readOnly: message.readOnly };
  switch (message.type) {
    case "bind":
      return {
        ...base,
        type: "bind",
        source: message.source,
        recursive: bindRecursive(message.bindRecursive),
        createSource: message.createSource,
        ...defined({ propagation: propagation(message.propagation) }),
      };
    case "volume":
      return {
        ...base,
        type: "volume",
        noCopy: message.noCopy,
        labels: message.volumeLabels,
        ...defined({ source: message.source || undefined }),
      };
    case "tmpfs":
      return {
        ...base,
        type: "tmpfs",
        options: message.tmpfsOptions,
        ...defined({ sizeBytes: number(message.tmpfsSizeBytes), mode: message.tmpfsMode }),
      };
    default:
      throw invalidArgument(`invalid mount config: mount type unknown: "${message.type}"`);
  }
}

function bindRecursive(text: string): "enabled" | "disabled" | "writable" | "readonly" {
  if (text === "") return "enabled";
  if (text === "enabled" || text === "disabled" || text === "writable" || text === "readonly") return text;
  throw invalidArgument(`invalid value for bind-recursive: ${text}: expected enabled, disabled, writable or readonly`);
}

function propagation(text: string | undefined): MountPropagation | undefined {
  if (text === undefined || text === "") return undefined;
  if (!isMountPropagation(text)) throw invalidArgument(`invalid mount propagation: ${text}`);
  return text;
}

function port(message: proto.PortMapping): PortMapping {
  const { protocol, containerPort, hostPort, hostPortEnd } = message;
  if (protocol !== "tcp" && protocol !== "udp" && protocol !== "sctp")
    throw invalidArgument(`invalid proto: ${protocol}`);
  if (containerPort < 1 || containerPort > 65_535) throw invalidArgument(`invalid container port: ${containerPort}`);
  if (hostPort > 65_535) throw invalidArgument(`invalid host port: ${hostPort}`);
  if (hostPortEnd === undefined) return { hostIp: message.hostIp, hostPort, containerPort, protocol };
  if (hostPort === 0 || hostPortEnd < hostPort || hostPortEnd > 65_535) {
    throw invalidArgument(`invalid host port range: ${hostPort}-${hostPortEnd}`);
  }
  return { hostIp: message.hostIp, hostPort, hostPortEnd, containerPort, protocol };
}

export function restartPolicy(message: proto.RestartPolicy | undefined): RestartPolicy {
  const name = message?.name ?? "";
  switch (name) {
    case "":
    case "no":
      return { name: "no", maximumRetries: 0 };
    case "always":
    case "unless-stopped":
    case "on-failure":
      return { name, maximumRetries: message?.maximumRetries ?? 0 };
    default:
      throw invalidArgument(
        `invalid restart policy: unknown policy '${name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`,
      );
  }
}

function number(value: bigint | undefined): number | undefined {
  return value === undefined ? undefined : Number(value);
}
