// SPDX-License-Identifier: Apache-2.0
// The HostConfig of docker inspect: what was asked of the host.

import type { ContainerConfig } from "@berth/sdk";

type Mount = ContainerConfig["mounts"][number];

const defaultShmSize = 64 * 1024 * 1024;

/** handler: the runtime that was chosen. */
export function hostConfigJson(config: ContainerConfig, handler: string): Record<string, unknown> {
  return {
    ...mountsJson(config.mounts),
    ...resourcesJson(config),
    ContainerIDFile: "",
    LogConfig: logConfigJson(config),
    NetworkMode: config.networkMode === "" ? "bridge" : config.networkMode,
    PortBindings: portBindingsJson(config),
    RestartPolicy: {
      Name: config.restartPolicy?.name || "no",
      MaximumRetryCount: config.restartPolicy?.maximumRetries ?? 0,
    },
    AutoRemove: config.autoRemove,
    VolumeDriver: "",
    VolumesFrom: null,
    ConsoleSize: [0, 0],
    ...(Object.keys(config.annotations).length > 0 && { Annotations: config.annotations }),
    CapAdd: orNull(config.capabilitiesAdd),
    CapDrop: orNull(config.capabilitiesDrop),
    CgroupnsMode: config.cgroupnsMode === "" ? "private" : config.cgroupnsMode,
    Dns: config.dns,
    DnsOptions: config.dnsOptions,
    DnsSearch: config.dnsSearch,
    ExtraHosts: orNull(config.extraHosts),
    GroupAdd: orNull(config.groupAdd),
    IpcMode: config.ipcMode === "" ? "private" : config.ipcMode,
    Cgroup: "",
    Links: null,
    OomScoreAdj: config.oomScoreAdj ?? 0,
    PidMode: config.pidMode,
    Privileged: config.privileged,
    PublishAllPorts: config.publishAll,
    ReadonlyRootfs: config.readOnlyRoot,
    SecurityOpt: orNull(config.securityOptions),
    UTSMode: config.utsMode,
    UsernsMode: config.usernsMode,
    ShmSize: Number(config.shmSizeBytes ?? defaultShmSize),
    ...(Object.keys(config.sysctls).length > 0 && { Sysctls: config.sysctls }),
    Runtime: handler,
    Isolation: "",
    Init: config.init,
  };
}

function resourcesJson(config: ContainerConfig): Record<string, unknown> {
  const { resources } = config;
  return {
    CpuShares: Number(resources?.cpuShares ?? 0),
    Memory: Number(resources?.memoryBytes ?? 0),
    NanoCpus: Number(resources?.nanoCpus ?? 0),
    CgroupParent: config.cgroupParent ?? "",
    BlkioWeight: resources?.blkioWeight ?? 0,
    CpuPeriod: Number(resources?.cpuPeriod ?? 0),
    CpuQuota: Number(resources?.cpuQuota ?? 0),
    CpusetCpus: resources?.cpusetCpus ?? "",
    CpusetMems: resources?.cpusetMems ?? "",
    Devices: config.devices.map(({ host, container, permissions }) => ({
      PathOnHost: host,
      PathInContainer: container,
      CgroupPermissions: permissions,
    })),
    DeviceCgroupRules: orNull(config.deviceCgroupRules),
    DeviceRequests: null,
    MemoryReservation: Number(resources?.memoryReservationBytes ?? 0),
    MemorySwap: Number(resources?.memorySwapBytes ?? 0),
    MemorySwappiness: resources?.memorySwappiness ?? null,
    OomKillDisable: resources?.oomKillDisable ?? false,
    PidsLimit: resources?.pidsLimit === undefined ? null : Number(resources.pidsLimit),
    Ulimits: config.ulimits.map(({ name, soft, hard }) => ({ Name: name, Hard: Number(hard), Soft: Number(soft) })),
  };
}

/** What -v and --tmpfs asked for stands apart from --mount; one form serves both here. */
function mountsJson(mounts: readonly Mount[]): Record<string, unknown> {
  const binds = mounts.filter(({ type, source }) => type !== "tmpfs" && source !== "");
  const tmpfs = mounts.filter(({ type }) => type === "tmpfs");
  return {
    Binds: binds.length === 0 ? null : binds.map(bindText),
    ...(tmpfs.length > 0 && { Tmpfs: Object.fromEntries(tmpfs.map((mount) => [mount.target, tmpfsText(mount)])) }),
  };
}

function bindText({ source, target, readOnly, propagation, noCopy }: Mount): string {
  const options = [readOnly ? "ro" : "", propagation ?? "", noCopy ? "nocopy" : ""].filter((option) => option !== "");
  return [source, target, ...(options.length > 0 ? [options.join(",")] : [])].join(":");
}

function tmpfsText({ tmpfsOptions, tmpfsSizeBytes, tmpfsMode }: Mount): string {
  return [
    ...tmpfsOptions,
    ...(tmpfsSizeBytes === undefined ? [] : [`size=${tmpfsSizeBytes}`]),
    ...(tmpfsMode === undefined ? [] : [`mode=${tmpfsMode.toString(8)}`]),
  ].join(",");
}

function portBindingsJson({ ports }: ContainerConfig): Record<string, unknown> {
  const grouped = Map.groupBy(ports, ({ containerPort, protocol }) => `${containerPort}/${protocol}`);
  return Object.fromEntries(
    [...grouped].map(([port, bindings]) => [
      port,
      bindings.map(({ hostIp, hostPort }) => ({
        HostIp: hostIp,
        HostPort: hostPort === 0 ? "" : String(hostPort),
      })),
    ]),
  );
}

/** Its output is in files of the CRI's form, with json-file's options. */
function logConfigJson({ logRotation }: ContainerConfig): Record<string, unknown> {
  return {
    Type: "json-file",
    Config:
      logRotation === undefined
        ? {}
        : { "max-size": String(logRotation.maximumSize), "max-file": String(logRotation.maximumFiles) },
  };
}

function orNull(values: readonly string[]): readonly string[] | null {
  return values.length === 0 ? null : values;
}
