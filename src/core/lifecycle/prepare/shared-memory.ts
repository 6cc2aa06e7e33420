// SPDX-License-Identifier: Apache-2.0
// The /dev/shm that containers with one IPC namespace share: a tmpfs that the owner of the namespace brings along. A
// container whose IPC nobody may join has its own, made by its runtime.

import { failedPrecondition } from "../../../base/errors.ts";
import type { ContainerRecord } from "../../containers/container.ts";
import type { PodRecord } from "../../sandboxes/sandbox.ts";
import type { Engine } from "../engine.ts";
import { joinedContainer } from "./sandbox-request.ts";

const defaultSizeBytes = 64 * 1024 * 1024;

export function sharedMemoryDirectory(engine: Engine): string {
  return `${engine.settings.paths.state}/shm`;
}

/** The directory to bind, made when the container is the owner; undefined when it shares nothing. */
export async function activateSharedMemory(engine: Engine, record: ContainerRecord): Promise<string | undefined> {
  const { ipcMode, shmSizeBytes = defaultSizeBytes } = record.config;
  const owner = joinedContainer(engine, ipcMode);
  if (owner !== undefined) {
    if (owner.config.ipcMode === "shareable") return `${sharedMemoryDirectory(engine)}/${owner.id}`;
    throw failedPrecondition(
      `cannot join the IPC namespace of container ${owner.name}: it is not shareable (run it with --ipc=shareable)`,
    );
  }
  if (ipcMode !== "shareable") return undefined;
  const directory = `${sharedMemoryDirectory(engine)}/${record.id}`;
  const options = ["nosuid", "noexec", "nodev", "mode=1777", `size=${shmSizeBytes}`];
  await engine.mounts.activate(directory, [{ type: "tmpfs", source: "shm", options }]);
  return directory;
}

export async function deactivateSharedMemory(engine: Engine, record: ContainerRecord): Promise<void> {
  if (record.config.ipcMode === "shareable")
    await engine.mounts.deactivate(`${sharedMemoryDirectory(engine)}/${record.id}`);
}

/** The directory that the containers of a pod share; undefined when theirs is the host's. */
export function podSharedMemory(engine: Engine, { id, pod }: PodRecord): string | undefined {
  return pod.config.ipc === "host" ? undefined : `${sharedMemoryDirectory(engine)}/${id}`;
}

export async function activatePodSharedMemory(engine: Engine, record: PodRecord): Promise<void> {
  const directory = podSharedMemory(engine, record);
  if (directory === undefined) return;
  const options = ["nosuid", "noexec", "nodev", "mode=1777", `size=${defaultSizeBytes}`];
  await engine.mounts.activate(directory, [{ type: "tmpfs", source: "shm", options }]);
}

export async function deactivatePodSharedMemory(engine: Engine, record: PodRecord): Promise<void> {
  const directory = podSharedMemory(engine, record);
  if (directory !== undefined) await engine.mounts.deactivate(directory);
}
