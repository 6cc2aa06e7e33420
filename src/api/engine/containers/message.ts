// SPDX-License-Identifier: Apache-2.0
// A container as its message.

import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ContainerRecord } from "../../../core/containers/container.ts";
import { mergeEnvironment } from "../../../core/containers/spec/environment.ts";
import type { Engine } from "../../../core/lifecycle/engine.ts";
import { type Container, ContainerSchema } from "../../../gen/berth/engine/v1/container_pb.js";
import { toConfigMessage } from "./config-message.ts";

/** Bytes of the writable layer, and of it and the image together. */
export interface ContainerSizes {
  readonly rw: number;
  readonly root: number;
}

/** What clients see of a container now. */
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
