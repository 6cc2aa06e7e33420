// SPDX-License-Identifier: Apache-2.0
// Gathers what a runtime specification is made from: this container, the machine, and the containers that it joins.

import type { RuntimeSpec } from "../../../oci/runtime/spec.ts";
import type { ContainerRecord } from "../../containers/container.ts";
import { buildSpec } from "../../containers/spec/build-spec.ts";
import type { NamespaceChoice, ResolvedDevice } from "../../containers/spec/spec-input.ts";
import type { ResolvedUser } from "../../containers/user.ts";
import { type Pod, podAnnotations } from "../../sandboxes/pod.ts";
import type { ReadySandbox } from "../../sandboxes/sandbox-service.ts";
import type { UsableHandler } from "../../tasks/handler-table.ts";
import { type Engine, rootfsPath } from "../engine.ts";
import { joinedContainer } from "./sandbox-request.ts";

export interface SpecParts {
  readonly record: ContainerRecord;
  readonly usable: UsableHandler;
  readonly sandbox: ReadySandbox;
  readonly user: ResolvedUser;
  /** The /dev/shm that it shares with others. */
  readonly sharedMemory: string | undefined;
}

export async function containerSpec(engine: Engine, parts: SpecParts): Promise<RuntimeSpec> {
  const { record, usable, sandbox, sharedMemory } = parts;
  const { config } = record;
  const { namespaces, pod } = sandbox.record;
  for (const { request } of record.mounts) {
    if (request.type !== "bind" || request.propagation === undefined) continue;
    await engine.volumes.checkBindPropagation(request.source, request.propagation);
  }
  const networkOwner = joinedContainer(engine, config.networkMode);
  const idMappings = pod?.config.userNamespace;
  const spec = buildSpec({
    id: record.id,
    sandboxId: record.sandboxId,
    config: { ...config, cgroupParent: pod?.cgroupParent ?? config.cgroupParent ?? engine.settings.cgroupParent },
    image: record.imageDefaults,
    host: engine.host,
    hostname: record.hostname,
    user: parts.user,
    rootfsPath: rootfsPath(engine, record.id),
    namespaces: {
      network: pinned(namespaces.network),
      ipc: pinned(namespaces.ipc),
      uts: pinned(namespaces.uts),
      pid: pidNamespace(engine, record, pod),
      ...(namespaces.user !== undefined && { user: { path: namespaces.user } }),
    },
    mounts: record.mounts,
    devices: await askedDevices(engine, record),
    hostDevices: config.privileged
      ? (await engine.devices.list()).map((device) => ({ ...device, permissions: "rwm" }))
      : [],
    networkFiles: networkOwner === undefined ? sandbox.files : engine.sandboxes.filePaths(networkOwner.sandboxId),
    features: { ...usable.features, systemdCgroup: usable.handler.systemdCgroup },
    initPath: engine.settings.paths.init,
    ...(sharedMemory !== undefined && { sharedMemoryPath: sharedMemory }),
    ...(pod !== undefined && { annotations: podContainerAnnotations(record, pod) }),
    ...(idMappings !== undefined && { idMappings }),
  });
  if (spec.linux.mountLabel !== undefined) await relabel(engine, record, spec.linux.mountLabel);
  return spec;
}

async function relabel(engine: Engine, record: ContainerRecord, label: string): Promise<void> {
  for (const { request } of record.mounts) {
    if (request.type === "bind" && request.relabel === true) {
      await engine.volumes.relabelBindSource(request.source, label);
    }
  }
}

/** The sandbox has it pinned, or it is the host's. */
function pinned(path: string | undefined): NamespaceChoice {
  return path === undefined ? "host" : { path };
}

function pidNamespace(engine: Engine, { config }: ContainerRecord, pod: Pod | undefined): NamespaceChoice {
  if (config.pidMode === "pod" && pod !== undefined) return { path: `/proc/${pod.pid}/ns/pid` };
  const owner = joinedContainer(engine, config.pidMode);
  if (owner !== undefined) return { path: `/proc/${owner.state.pid}/ns/pid` };
  return config.pidMode === "host" ? "host" : "new";
}

/** What shims such as gVisor's and Kata's go by (containerd's names). */
function podContainerAnnotations(record: ContainerRecord, { config }: Pod): Readonly<Record<string, string>> {
  return {
    ...podAnnotations(record.sandboxId, config.metadata),
    "io.kubernetes.cri.container-type": "container",
    "io.kubernetes.cri.container-name": record.pod?.name ?? record.name,
    "io.kubernetes.cri.image-name": record.config.image,
  };
}

/** A directory stands for all devices below it. */
async function askedDevices(engine: Engine, record: ContainerRecord): Promise<readonly ResolvedDevice[]> {
  const found = await Promise.all(
    record.config.devices.map(async ({ host, container, permissions }) =>
      (await engine.devices.find(host)).map((device) => ({
        ...device,
        path: `${container}${device.path.slice(host.length)}`,
        permissions,
      })),
    ),
  );
  return found.flat();
}
