// SPDX-License-Identifier: Apache-2.0
// A container's configuration as its message: the way back of config.ts.

import type { MessageInitShape } from "@bufbuild/protobuf";
import { defined } from "../../../base/defined.ts";
import type { ContainerConfig, MountRequest } from "../../../core/containers/container-config.ts";
import type { ContainerConfigSchema } from "../../../gen/berth/engine/v1/container_pb.js";

type ConfigInit = MessageInitShape<typeof ContainerConfigSchema>;

/** The configuration as it was asked for: fromConfigMessage of it is the same again. */
export function toConfigMessage(config: ContainerConfig): ConfigInit {
  const { resources } = config;
  return {
    ...defined({
      workingDirectory: config.workingDirectory,
      user: config.user,
      hostname: config.hostname,
      domainname: config.domainname,
      stopSignal: config.stopSignal,
      stopTimeoutSeconds: config.stopTimeoutSeconds,
      shmSizeBytes: big(config.shmSizeBytes),
      oomScoreAdj: config.oomScoreAdj,
      cgroupParent: config.cgroupParent,
      runtimeHandler: config.runtimeHandler,
      platform: config.platform,
    }),
    image: config.image,
    command: [...(config.command ?? [])],
    ...(config.entrypoint !== undefined && { entrypoint: { values: [...config.entrypoint] } }),
    environment: [...config.environment],
    labels: { ...config.labels },
    terminal: config.terminal,
    openStdin: config.openStdin,
    stdinOnce: config.stdinOnce,
    exposedPorts: [...config.exposedPorts],
    resources: defined({
      memoryBytes: big(resources.memoryBytes),
      memoryReservationBytes: big(resources.memoryReservationBytes),
      memorySwapBytes: big(resources.memorySwapBytes),
      memorySwappiness: resources.memorySwappiness,
      nanoCpus: big(resources.nanoCpus),
      cpuShares: big(resources.cpuShares),
      cpuPeriod: big(resources.cpuPeriod),
      cpuQuota: big(resources.cpuQuota),
      cpusetCpus: resources.cpusetCpus,
      cpusetMems: resources.cpusetMems,
      pidsLimit: big(resources.pidsLimit),
      blkioWeight: resources.blkioWeight,
      oomKillDisable: resources.oomKillDisable,
    }),
    privileged: config.privileged,
    capabilitiesAdd: [...config.capabilitiesAdd],
    capabilitiesDrop: [...config.capabilitiesDrop],
    securityOptions: [...config.securityOptions],
    readOnlyRoot: config.readOnlyRoot,
    mounts: config.mounts.map(toMountMessage),
    devices: [...config.devices],
    deviceCgroupRules: [...config.deviceCgroupRules],
    ulimits: config.ulimits.map(({ name, soft, hard }) => ({ name, soft: BigInt(soft), hard: BigInt(hard) })),
    sysctls: { ...config.sysctls },
    groupAdd: [...config.groupAdd],
    networkMode: config.networkMode,
    pidMode: config.pidMode,
    ipcMode: config.ipcMode,
    utsMode: config.utsMode,
    usernsMode: config.usernsMode ?? "",
    cgroupnsMode: config.cgroupnsMode ?? "",
    ports: [...config.ports],
    publishAll: config.publishAll,
    extraHosts: [...config.extraHosts],
    dns: [...config.dns],
    dnsSearch: [...config.dnsSearch],
    dnsOptions: [...config.dnsOptions],
    init: config.init,
    autoRemove: config.autoRemove,
    restartPolicy: config.restartPolicy,
    ...(config.logRotation !== undefined && {
      logRotation: {
        maximumSize: BigInt(config.logRotation.maximumSize),
        maximumFiles: config.logRotation.maximumFiles,
      },
    }),
    annotations: { ...config.annotations },
  };
}

function toMountMessage(mount: MountRequest): NonNullable<ConfigInit["mounts"]>[number] {
  const base = { type: mount.type, target: mount.target, readOnly: mount.readOnly };
  switch (mount.type) {
    case "bind":
      return {
        ...base,
        source: mount.source,
        bindRecursive: mount.recursive,
        createSource: mount.createSource,
        ...defined({ propagation: mount.propagation }),
      };
    case "volume":
      return { ...base, source: mount.source ?? "", noCopy: mount.noCopy, volumeLabels: { ...mount.labels } };
    case "image":
      return { ...base, source: mount.image };
    case "tmpfs":
      return {
        ...base,
        tmpfsOptions: [...mount.options],
        ...defined({ tmpfsSizeBytes: big(mount.sizeBytes), tmpfsMode: mount.mode }),
      };
  }
}

function big(value: number | undefined): bigint | undefined {
  return value === undefined ? undefined : BigInt(value);
}
