// SPDX-License-Identifier: Apache-2.0
// What the operations on containers work with. The daemon puts it together once; each operation is a function in a file
// of its own that takes it first.

import type { ContainerId, SandboxId } from "../../base/ids.ts";
import type { KeyedLock } from "../../base/keyed-lock.ts";
import type { TaskGroup } from "../../base/lifetime.ts";
import type { Logger } from "../../base/log.ts";
import type { ContainerRegistry } from "../containers/container-registry.ts";
import type { DeviceInjector } from "../containers/device-injector.ts";
import type { RootFilesystem } from "../containers/rootfs.ts";
import type { EventBus } from "../events/event-bus.ts";
import type { LifecycleHooks } from "../hooks/lifecycle-hooks.ts";
import type { HostDevices } from "../host/host-devices.ts";
import type { HostFacts } from "../host/host-facts.ts";
import type { ProcessLister } from "../host/process-lister.ts";
import type { SecurityModules } from "../host/security-modules.ts";
import type { ImageService } from "../images/image-service.ts";
import type { LeaseManager } from "../leases/lease-manager.ts";
import type { MountActivator } from "../mounts/mount.ts";
import type { NetworkDriver } from "../networks/network-driver.ts";
import type { Cgroups } from "../sandboxes/cgroups.ts";
import type { PodTask } from "../sandboxes/pod-task.ts";
import type { SandboxService } from "../sandboxes/sandbox-service.ts";
import type { Snapshotter } from "../snapshots/snapshotter.ts";
import type { ContainerLogs, LogRotation } from "../streams/container-log.ts";
import type { StreamOpener } from "../streams/process-streams.ts";
import type { HandlerTable } from "../tasks/handler-table.ts";
import type { Puller } from "../transfer/puller.ts";
import type { VolumeService } from "../volumes/volume-service.ts";
import type { ContainerIoTable } from "./state/container-io.ts";
import type { ContentPins } from "./state/content-pins.ts";
import type { RunningContainer } from "./state/running-container.ts";
import type { Waiters } from "./state/waiters.ts";

/** Directories and programs of one daemon. */
export interface EnginePaths {
  /** Kept: /var/lib/berth. */
  readonly root: string;
  /** Gone at reboot: /run/berth. */
  readonly state: string;
  /** The static init that --init runs. */
  readonly init: string;
  /** A root filesystem with nothing but /pause, the program that holds the processes of a pod together. */
  readonly pause: string;
}

/** What the configuration decides. */
export interface EngineSettings {
  readonly paths: EnginePaths;
  readonly defaultNetwork: string;
  /** Cgroup below which containers lie that name no parent. */
  readonly cgroupParent: string;
  readonly logRotation: LogRotation;
}

/** Everything that an operation on containers may need. */
export interface Engine {
  readonly settings: EngineSettings;
  readonly host: HostFacts;
  readonly devices: HostDevices;
  readonly securityModules: SecurityModules;
  readonly processes: ProcessLister;
  readonly cdi: DeviceInjector;
  readonly registry: ContainerRegistry;
  readonly images: ImageService;
  readonly puller: Puller;
  readonly leases: LeaseManager;
  readonly snapshotter: Snapshotter;
  readonly mounts: MountActivator;
  readonly rootFilesystem: RootFilesystem;
  readonly volumes: VolumeService;
  readonly sandboxes: SandboxService;
  readonly networks: NetworkDriver;
  readonly cgroups: Cgroups;
  readonly handlers: HandlerTable;
  readonly streams: StreamOpener;
  readonly logs: ContainerLogs;
  readonly events: EventBus;
  readonly hooks: LifecycleHooks;
  readonly logger: Logger;
  /** One change of a container at a time, by its id. */
  readonly locks: KeyedLock;
  /** Work that goes on after a request: watching tasks. */
  readonly background: TaskGroup;
  /** Content that a container being created stands on. */
  readonly pins: ContentPins;
  readonly io: ContainerIoTable;
  readonly running: Map<ContainerId, RunningContainer>;
  /** The tasks that stand for pods. */
  readonly podTasks: Map<SandboxId, PodTask>;
  readonly waiters: Waiters;
}

/** Where the root filesystem of a container, or of a pod's task, is mounted while it runs. */
export function rootfsPath(engine: Engine, id: ContainerId | SandboxId): string {
  return `${engine.settings.paths.state}/rootfs/${id}/fs`;
}
