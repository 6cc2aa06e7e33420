// SPDX-License-Identifier: Apache-2.0
// A container as its message.

import type { MessageInitShape } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ContainerRecord } from "../../../core/containers/container.ts";
import type { ContainerConfig, MountRequest } from "../../../core/containers/container-config.ts";
import { mergeEnvironment } from "../../../core/containers/spec/environment.ts";
import type { Engine } from "../../../core/lifecycle/engine.ts";
import {
  type Container,
  type ContainerConfigSchema,
  ContainerSchema,
} from "../../../gen/berth/engine/v1/container_pb.js";
import { defined } from "../messages.ts";

type ConfigInit = MessageInitShape<typeof ContainerConfigSchema>;

export interface ContainerSizes {
  readonly rw: number;
  readonly root: number;
}

export function toContainerMessage(engine: Engine, record: ContainerRecord, sizes?: ContainerSizes): Container {
  const image = record.imageDefaults;
  const files = engine.sandboxes.filePaths(record.sandboxId);
  const { config, state } = record;
  return create(ContainerSchema, {
    id: record.id,
    name: record.name,
    createdAt: timestampFromMs(record.createdAt),
    config: toConfigMessage(config),
    state: {
      status: state.status,
      pid: state.pid,
      exitCode: state.exitCode,
      oomKilled: state.oomKilled,
      error: state.error,
      ...(state.startedAt !== undefined && { startedAt: timestampFromMs(state.startedAt) }),
      ...(state.finishedAt !== undefined && { finishedAt: timestampFromMs(state.finishedAt) }),
    },
    imageId: record.imageId,
    arguments: [...record.entrypoint, ...record.command],
    environment: [...mergeEnvironment([image.Env ?? [], config.environment])],
    workingDirectory: config.workingDirectory ?? image.WorkingDir ?? "",
    user: config.user ?? image.User ?? "",
    labels: record.labels,
    hostname: record.hostname,
    sandboxId: record.sandboxId,
    runtimeHandler: record.handler,
    snapshotter: record.snapshotter,
    logPath: record.logPath,
    hostsPath: files.hosts,
    hostnamePath: files.hostname,
    resolvConfPath: files.resolvConf,
    mounts: record.mounts.map(({ request, source, volume }) => ({
      type: request.type,
      name: volume ?? "",
      source,
      destination: request.target,
      readWrite: !request.readOnly,
      propagation: request.type === "bind" ? (request.propagation ?? "rprivate") : "",
    })),
    networks: (engine.sandboxes.find(record.sandboxId)?.attachments ?? []).map((attachment) => ({
      network: attachment.network,
      interfaceName: attachment.interfaceName,
      macAddress: attachment.macAddress,
      addresses: attachment.addresses.map(({ address }) => address),
      gateways: attachment.addresses.flatMap(({ gateway }) => (gateway === undefined ? [] : [gateway])),
    })),
    ports: [...record.ports],
    exposedPorts: [...record.exposedPorts],
    execIds: [...(engine.running.get(record.id)?.execs.keys() ?? [])],
    entrypoint: [...record.entrypoint],
    command: [...record.command],
    stopSignal: record.stopSignal,
    ...(sizes !== undefined && { sizeRwBytes: BigInt(sizes.rw), sizeRootBytes: BigInt(sizes.root) }),
  });
}

function toConfigMessage(config: ContainerConfig): ConfigInit {
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
