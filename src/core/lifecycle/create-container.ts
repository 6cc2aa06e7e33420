// SPDX-License-Identifier: Apache-2.0
// Makes a container: everything is checked and prepared that does not need the process, and the record is written last.

import { EngineError, invalidArgument } from "../../base/errors.ts";
import { failpoint } from "../../base/failpoint.ts";
import { type ContainerId, newId, type SandboxId, shortId } from "../../base/ids.ts";
import { cleanup } from "../../base/lifetime.ts";
import { parsePosixSignal, posixSignalName } from "../../base/posix-signal.ts";
import type { ContainerDefaults } from "../../oci/image/documents.ts";
import {
  type ContainerMount,
  type ContainerRecord,
  initialState,
  type PodContainerMetadata,
} from "../containers/container.ts";
import type { ContainerConfig } from "../containers/container-config.ts";
import type { Image } from "../images/image-service.ts";
import type { PodRecord } from "../sandboxes/sandbox.ts";
import { type Engine, rootfsPath } from "./engine.ts";
import { insertMember } from "./insert-member.ts";
import { checkRequest } from "./prepare/check-request.ts";
import { prepareMounts, removePrepared } from "./prepare/prepare-mounts.ts";
import { mountGuarded, unmountRootfs } from "./prepare/prepare-rootfs.ts";
import { containerEvent } from "./state/container-events.ts";

export interface CreateRequest {
  /** Empty for a random one. */
  readonly name: string;
  readonly config: ContainerConfig;
  /** Makes it a container of a pod, with what follows from that. */
  readonly member?: PodMember;
}

export interface PodMember {
  readonly pod: PodRecord;
  readonly metadata: PodContainerMetadata;
  /** "" drops its output. */
  readonly logPath: string;
}

export interface CreatedContainer {
  readonly record: ContainerRecord;
  /** What was asked for and has no effect here. */
  readonly warnings: readonly string[];
}

/** not-found when the image is not here; conflict when the name is taken. Leaves nothing when it fails. */
export async function createContainer(
  engine: Engine,
  request: CreateRequest,
  { signal }: { readonly signal: AbortSignal },
): Promise<CreatedContainer> {
  engine.registry.checkNameFree(request.name);
  const id = newId<ContainerId>();
  using pinned = await engine.images.resolveThen(request.config.image, (found) => ({
    image: found,
    ...engine.pins.add({ containerId: id, imageId: found.id, target: found.target.digest }),
  }));
  const { image } = pinned;
  const config = resolveJoins(engine, request.config, image);
  const usable = await engine.handlers.use(request.member?.pod.pod.handler ?? config.runtimeHandler, { signal });
  const warnings = await checkRequest(engine, config, request.member?.pod);
  await using undo = new AsyncDisposableStack();
  const chainId = await engine.images.unpack(image, { signal });
  const idMappings = request.member?.pod.pod.config.userNamespace;
  const wanted = { id, requests: config.mounts, image, ...(idMappings !== undefined && { idMappings }) };
  using prepared = await prepareMounts(engine, wanted, { signal });
  undo.defer(async () => await cleanup(async () => await removePrepared(engine, prepared)));
  await failpoint("create-container:mounts");
  await engine.snapshotter.prepare(id, chainId, { signal });
  undo.defer(async () => await cleanup(async () => await engine.snapshotter.remove(id)));
  await copyUp(engine, id, prepared.mounts, signal);
  await failpoint("create-container:snapshot");
  const handler = usable.handler.name;
  const draft = newRecord(engine, { id, image, config, handler, request, mounts: prepared.mounts });
  const record =
    request.member === undefined
      ? await engine.registry.insert(draft)
      : await insertMember(engine, draft, { pod: request.member.pod, usable }, { signal });
  undo.move();
  engine.events.publish(containerEvent("create", record));
  return { record, warnings };
}

/** Replaces the container that "container:<name>" modes mean by its full id. */
function resolveJoins(engine: Engine, config: ContainerConfig, image: Image): ContainerConfig {
  const join = (mode: string) => {
    const match = /^container:(.+)$/.exec(mode);
    return match?.[1] === undefined ? mode : `container:${engine.registry.get(match[1]).id}`;
  };
  if (config.platform !== undefined) engine.images.checkPlatform(image, config.platform);
  return {
    ...config,
    networkMode: join(config.networkMode),
    pidMode: join(config.pidMode),
    ipcMode: join(config.ipcMode),
  };
}

/** Fills empty volumes with what the image has at their target, through the mounted root filesystem. */
async function copyUp(
  engine: Engine,
  id: ContainerId,
  all: readonly ContainerMount[],
  signal: AbortSignal,
): Promise<void> {
  const mounts = all.filter(({ request }) => request.type === "volume" && !request.noCopy);
  if (mounts.length === 0) return;
  const root = rootfsPath(engine, id);
  await mountGuarded(engine, id, { snapshotKey: id });
  try {
    for (const { request, source } of mounts)
      await engine.rootFilesystem.copyUp(root, request.target, source, { signal });
  } finally {
    await unmountRootfs(engine, id);
  }
}

interface NewRecord {
  readonly id: ContainerId;
  readonly image: Image;
  readonly config: ContainerConfig;
  readonly handler: string;
  readonly request: CreateRequest;
  readonly mounts: readonly ContainerMount[];
}

function newRecord(engine: Engine, { id, image, config, handler, request, mounts }: NewRecord): ContainerRecord {
  const defaults: ContainerDefaults = image.config.config ?? {};
  const entrypoint = config.entrypoint ?? defaults.Entrypoint ?? [];
  const command = config.command ?? (config.entrypoint === undefined ? (defaults.Cmd ?? []) : []);
  if (entrypoint.length + command.length === 0) throw invalidArgument("no command specified");
  return {
    id,
    name: request.name,
    createdAt: Date.now(),
    config,
    imageId: image.id,
    imageDefaults: defaults,
    sandboxId: request.member?.pod.id ?? newId<SandboxId>(),
    ...(request.member !== undefined && { pod: request.member.metadata }),
    handler,
    snapshotter: engine.snapshotter.id,
    snapshotKey: id,
    entrypoint,
    command,
    labels: { ...defaults.Labels, ...config.labels },
    hostname: request.member?.pod.hostname ?? hostnameOf(engine, id, config),
    exposedPorts: [
      ...new Set([
        ...Object.keys(defaults.ExposedPorts ?? {}).map(withProtocol),
        ...config.exposedPorts.map(withProtocol),
        ...config.ports.map((port) => `${port.containerPort}/${port.protocol}`),
      ]),
    ],
    stopSignal: posixSignalName(parsePosixSignal(config.stopSignal ?? defaults.StopSignal ?? "TERM")),
    mounts,
    logPath: request.member?.logPath ?? `${engine.settings.paths.root}/logs/${id}.log`,
    ports: [],
    state: initialState,
  };
}

function withProtocol(port: string): string {
  return port.includes("/") ? port : `${port}/tcp`;
}

function hostnameOf(engine: Engine, id: ContainerId, config: ContainerConfig): string {
  if (config.hostname !== undefined) {
    if (config.utsMode === "host")
      throw new EngineError("invalid-argument", "conflicting options: hostname and the UTS mode");
    return config.hostname;
  }
  const { networkMode } = config;
  // Who joins another's network goes by its name, which the hosts file knows.
  if (networkMode.startsWith("container:")) return engine.registry.get(networkMode.slice("container:".length)).hostname;
  if (config.utsMode === "host" || config.networkMode === "host") return engine.host.hostname;
  return shortId(id);
}
