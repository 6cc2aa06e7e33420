// SPDX-License-Identifier: Apache-2.0
// The root filesystem of a container on the host, mounted, with what a process needs to be there.

import { hostRoot, type IdMappings } from "../../../base/id-mapping.ts";
import type { ContainerId, SandboxId } from "../../../base/ids.ts";
import type { ContainerRecord } from "../../containers/container.ts";
import type { ResolvedUser } from "../../containers/user.ts";
import type { TaskRequest } from "../../tasks/task-runtime.ts";
import { type Engine, rootfsPath } from "../engine.ts";
import { userIn } from "./container-user.ts";

/** Mounts it and looks up in it who the process runs as; whoever calls unmounts it, also after a failure. */
export async function prepareRootfs(engine: Engine, record: ContainerRecord): Promise<ResolvedUser> {
  const rootfs = rootfsPath(engine, record.id);
  await mountRootfs(engine, record);
  const { config } = record;
  const image = record.imageDefaults;
  const user = await userIn(engine, rootfs, {
    user: config.user ?? image.User ?? "",
    groupAdd: config.groupAdd,
    ...(config.supplementalGroupsPolicy !== undefined && { policy: config.supplementalGroupsPolicy }),
  });
  const directory = config.workingDirectory ?? image.WorkingDir ?? "/";
  // What is mapped cannot be written from outside: there the runtime makes it, as root of the container.
  if (directory.startsWith("/") && directory !== "/" && idMappingsOf(engine, record) === undefined) {
    await engine.rootFilesystem.ensureDirectory(rootfs, directory, { mode: 0o755, uid: user.uid, gid: user.gid });
  }
  return user;
}

/** In a pod with a user namespace the files of the image belong to the ids that the namespace gives them. */
export async function mountRootfs(engine: Engine, record: ContainerRecord): Promise<void> {
  const idMappings = idMappingsOf(engine, record);
  await mountGuarded(engine, record.id, {
    snapshotKey: record.snapshotKey,
    ...(idMappings !== undefined && { idMappings }),
  });
}

/** What images bring, setuid programs included, is none of this machine's users' business. */
export async function mountGuarded(
  engine: Engine,
  id: ContainerId | SandboxId,
  { snapshotKey, idMappings }: { readonly snapshotKey: string; readonly idMappings?: IdMappings },
): Promise<void> {
  const mounts = await engine.snapshotter.mounts(snapshotKey);
  const options = { guarded: true, ...(idMappings !== undefined && { idMappings }) };
  await engine.mounts.activate(rootfsPath(engine, id), mounts, options);
}

/** Succeeds when there is nothing. */
export async function unmountRootfs(engine: Engine, id: ContainerId | SandboxId): Promise<void> {
  await engine.mounts.deactivate(rootfsPath(engine, id), { guarded: true });
}

/** Root of its user namespace owns its streams; without one nothing is said. */
export function stdioOwner(engine: Engine, record: ContainerRecord): Pick<TaskRequest, "stdioOwner"> {
  const idMappings = idMappingsOf(engine, record);
  return idMappings === undefined ? {} : { stdioOwner: hostRoot(idMappings) };
}

/** Those of the user namespace of its pod. */
export function idMappingsOf(engine: Engine, record: ContainerRecord): IdMappings | undefined {
  return engine.sandboxes.find(record.sandboxId)?.pod?.config.userNamespace;
}
