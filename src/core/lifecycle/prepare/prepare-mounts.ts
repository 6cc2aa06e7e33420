// SPDX-License-Identifier: Apache-2.0
// Turns the mounts that a user asked for, and the volumes that the image declares, into mounts with a source that is
// there: bind sources are checked, volumes are made.

import type { IdMappings } from "../../../base/id-mapping.ts";
import type { ContainerId } from "../../../base/ids.ts";
import { cleanup } from "../../../base/lifetime.ts";
import { cleanPath } from "../../../base/parse/clean-path.ts";
import {
  checkMountRequests,
  type ImageMountRequest,
  type MountRequest,
  type VolumeMountRequest,
} from "../../../base/parse/mount-request.ts";
import type { ContainerDefaults } from "../../../oci/image/documents.ts";
import type { ContainerMount } from "../../containers/container.ts";
import type { Image } from "../../images/image-service.ts";
import type { Engine } from "../engine.ts";
import { createImageMount, removeImageMounts } from "./image-mounts.ts";

/** Whose mounts they are, what was asked for it, and its image. */
export interface MountsOfContainer {
  readonly id: ContainerId;
  readonly requests: readonly MountRequest[];
  readonly image: Image;
  /** Those of the pod's user namespace. */
  readonly idMappings?: IdMappings;
}

/** Dispose it when the container is recorded, or has come to nothing: until then nobody can remove its volumes. */
export interface PreparedMounts extends Disposable {
  readonly mounts: readonly ContainerMount[];
  /** Volumes made for this container, to be removed should it come to nothing. */
  readonly created: readonly string[];
}

export async function prepareMounts(
  engine: Engine,
  { id, requests, image, ...mapped }: MountsOfContainer,
  { signal }: { readonly signal: AbortSignal },
): Promise<PreparedMounts> {
  const mounts: ContainerMount[] = [];
  const created: string[] = [];
  using holds = new DisposableStack();
  try {
    for (const request of withImageVolumes(checkMountRequests(requests), image.config.config ?? {})) {
      signal.throwIfAborted();
      switch (request.type) {
        case "bind":
          await engine.volumes.checkBindSource(request.source, { create: request.createSource });
          mounts.push({ request, source: request.source, anonymous: false });
          break;
        case "image":
          mounts.push(await mountedImage(engine, { id, number: mounts.length }, request, { holds, signal, ...mapped }));
          break;
        case "tmpfs":
          mounts.push({ request, source: "", anonymous: false });
          break;
        case "volume": {
          const held = await engine.volumes.acquire(request.source, { labels: request.labels ?? {} });
          const { volume, isNew } = holds.use(held);
          if (isNew) created.push(volume.name);
          mounts.push({ request, source: volume.path, volume: volume.name, anonymous: request.source === undefined });
          break;
        }
      }
    }
    const moved = holds.move();
    return { mounts, created, [Symbol.dispose]: () => moved.dispose() };
  } catch (error) {
    holds.dispose();
    await cleanup(async () => await removePrepared(engine, { mounts, created }));
    throw error;
  }
}

/** Mounts an image whose content is held until the container is recorded. */
async function mountedImage(
  engine: Engine,
  owner: { readonly id: ContainerId; readonly number: number },
  request: ImageMountRequest,
  {
    holds,
    signal,
    ...mapped
  }: { readonly holds: DisposableStack; readonly signal: AbortSignal; readonly idMappings?: IdMappings },
): Promise<ContainerMount> {
  const image = await engine.images.resolveThen(request.image, (found) => {
    holds.use(engine.pins.add({ containerId: owner.id, imageId: found.id, target: found.target.digest }));
    return found;
  });
  return await createImageMount(engine, { owner, request, image, ...mapped }, { signal });
}

/** Removes what nothing came of. */
export async function removePrepared(
  engine: Engine,
  { mounts, created }: Pick<PreparedMounts, "mounts" | "created">,
): Promise<void> {
  await removeImageMounts(engine, mounts);
  for (const name of created) {
    await engine.volumes.remove(name).catch((error: unknown) => {
      engine.logger.warn(
        { volume: name, err: error },
        "a volume made for a container that failed could not be removed",
      );
    });
  }
}

function withImageVolumes(requests: readonly MountRequest[], image: ContainerDefaults): readonly MountRequest[] {
  const targets = new Set(requests.map(({ target }) => target));
  const declared = Object.keys(image.Volumes ?? {}).map(cleanPath);
  return [
    ...requests,
    ...declared
      .filter((target) => !targets.has(target))
      .map((target): VolumeMountRequest => ({ type: "volume", target, readOnly: false, noCopy: false })),
  ];
}
