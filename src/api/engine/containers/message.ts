// SPDX-License-Identifier: Apache-2.0
// A container as its message.

import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ContainerRecord } from "../../../core/containers/container.ts";
import { mergeEnvironment } from "../../../core/containers/spec/environment.ts";
import type { Engine } from "../../../core/lifecycle/engine.ts";
import { type Container, type ContainerPodSchema, ContainerSchema } from "../../../gen/berth/engine/v1/container_pb.js";
import { networkMessage } from "../pods/network-message.ts";
import { podOfRecord } from "../pods/pod-identity.ts";
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
    networks: (engine.sandboxes.find(record.sandboxId)?.attachments ?? []).map(networkMessage),
    ports: [...record.ports],
    exposedPorts: [...record.exposedPorts],
    execIds: [...(engine.running.get(record.id)?.execs.keys() ?? [])],
    entrypoint: [...record.entrypoint],
    command: [...record.command],
    stopSignal: record.stopSignal,
    ...containerPod(engine, record),
    ...(sizes !== undefined && { sizeRwBytes: BigInt(sizes.rw), sizeRootBytes: BigInt(sizes.root) }),
  });
}

function containerPod(engine: Engine, record: ContainerRecord): { pod?: MessageInitShape<typeof ContainerPodSchema> } {
  const pod = podOfRecord(engine, record);
  if (record.pod === undefined || pod === undefined) return {};
  const { name, namespace, uid } = pod.pod.config.metadata;
  const { name: containerName, attempt, userSpecifiedImage = "" } = record.pod;
  return { pod: { id: pod.id, name, namespace, uid, containerName, attempt, userSpecifiedImage } };
}
