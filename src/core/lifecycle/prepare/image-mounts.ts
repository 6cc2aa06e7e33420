// SPDX-License-Identifier: Apache-2.0
// Images that are mounted into containers: a view of the image's layers, mounted on the host while the container is
// there, and bound into it. The directories lie at <state>/image-mounts/<container>-<number>.

import { codeOf, EngineError, invalidArgument, messageOf } from "../../../base/errors.ts";
import type { IdMappings } from "../../../base/id-mapping.ts";
import type { ContainerId } from "../../../base/ids.ts";
import type { ImageMountRequest } from "../../../base/parse/mount-request.ts";
import type { ContainerMount, ContainerRecord } from "../../containers/container.ts";
import type { Image } from "../../images/image-service.ts";
import type { Engine } from "../engine.ts";
import { idMappingsOf } from "./prepare-rootfs.ts";

/** What the details of an error say that comes from mounting an image. */
export const imageMountKind = "image-mount";

export function imageMountsDirectory(engine: Engine): string {
  return `${engine.settings.paths.state}/image-mounts`;
}

/** What is mounted, and which of its owner's mounts it is. */
export interface NewImageMount {
  readonly owner: { readonly id: ContainerId; readonly number: number };
  readonly request: ImageMountRequest;
  readonly image: Image;
  /** Those of the pod's user namespace: the files then appear as its root's. */
  readonly idMappings?: IdMappings;
}

/** Makes the view, mounts it and finds the directory; the caller has pinned the image. Undoes itself. */
export async function createImageMount(
  engine: Engine,
  { owner, request, image, idMappings }: NewImageMount,
  { signal }: { readonly signal: AbortSignal },
): Promise<ContainerMount> {
  const chainId = await engine.images.unpack(image, { signal });
  if (chainId === undefined) throw invalidArgument(`the image ${request.image} has no layers and cannot be mounted`);
  const snapshotKey = `${owner.id}-mount-${owner.number}`;
  const directory = `${imageMountsDirectory(engine)}/${owner.id}-${owner.number}`;
  const mount = { request, source: "", anonymous: false, image: { id: image.id, snapshotKey, directory } };
  try {
    const mounts = await engine.snapshotter.view(snapshotKey, chainId, { signal });
    await engine.mounts.activate(directory, mounts, idMappings === undefined ? {} : { idMappings });
    const source = await engine.rootFilesystem.resolveDirectory(directory, request.subPath ?? "");
    if (source === undefined) throw new EngineError("not-found", `it has no directory ${request.subPath}`);
    return { ...mount, source };
  } catch (error) {
    await removeImageMounts(engine, [mount]);
    signal.throwIfAborted();
    throw new EngineError(codeOf(error), `mount image ${request.image} at ${request.target}: ${messageOf(error)}`, {
      cause: error,
      details: { kind: imageMountKind, id: image.id },
    });
  }
}

/** Mounts again what a reboot or an exit has taken away. */
export async function activateImageMounts(engine: Engine, record: ContainerRecord): Promise<void> {
  const idMappings = idMappingsOf(engine, record);
  for (const { image } of record.mounts) {
    if (image === undefined) continue;
    const isMounted = (await engine.mounts.list(image.directory)).length > 0;
    if (isMounted) continue;
    const mounts = await engine.snapshotter.mounts(image.snapshotKey);
    await engine.mounts.activate(image.directory, mounts, idMappings === undefined ? {} : { idMappings });
  }
}

/** Succeeds when there is nothing. */
export async function removeImageMounts(engine: Engine, mounts: readonly ContainerMount[]): Promise<void> {
  for (const { image } of mounts) {
    if (image === undefined) continue;
    await engine.mounts.deactivate(image.directory);
    await engine.snapshotter.remove(image.snapshotKey);
  }
}
