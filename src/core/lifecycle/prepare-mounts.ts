// SPDX-License-Identifier: Apache-2.0
// Turns the mounts that a user asked for, and the volumes that the image declares, into mount points with a source that
// is there: bind sources are checked, volumes are made.

import { invalidArgument } from "../../base/errors.ts";
import type { ImageConfig } from "../../oci/image/documents.ts";
import type { MountPoint } from "../containers/container.ts";
import type {
  BindMountRequest,
  ContainerConfig,
  MountRequest,
  VolumeMountRequest,
} from "../containers/container-config.ts";
import type { Engine } from "./engine.ts";

export interface PreparedMounts {
  readonly mounts: readonly MountPoint[];
  /** Destinations of volumes that were new and want the image's content. */
  readonly copyUp: readonly MountPoint[];
  /** Volumes made for this container, to be removed should it come to nothing. */
  readonly created: readonly string[];
}

export async function prepareMounts(
  engine: Engine,
  config: ContainerConfig,
  image: ImageConfig,
  { signal }: { readonly signal: AbortSignal },
): Promise<PreparedMounts> {
  const requests = withImageVolumes(config.mounts, image);
  const mounts: MountPoint[] = [];
  const copyUp: MountPoint[] = [];
  const created: string[] = [];
  try {
    for (const request of requests) {
      signal.throwIfAborted();
      switch (request.type) {
        case "bind":
          mounts.push(await bindMount(engine, request));
          break;
        case "tmpfs":
          mounts.push({
            type: "tmpfs",
            source: "",
            destination: request.target,
            readWrite: !request.readOnly,
            propagation: "",
            anonymous: false,
          });
          break;
        case "volume": {
          const { mount, isNew } = await volumeMount(engine, request);
          mounts.push(mount);
          if (isNew && mount.name !== undefined) created.push(mount.name);
          if (!request.noCopy) copyUp.push(mount);
          break;
        }
      }
    }
    return { mounts, copyUp, created };
  } catch (error) {
    await removeVolumes(engine, created);
    throw error;
  }
}

/** Removes volumes that nothing came of. */
export async function removeVolumes(engine: Engine, names: readonly string[]): Promise<void> {
  for (const name of names) {
    await engine.volumes.remove(name).catch((error: unknown) => {
      engine.logger.warn(
        { volume: name, err: error },
        "a volume made for a container that failed could not be removed",
      );
    });
  }
}

function withImageVolumes(requests: readonly MountRequest[], image: ImageConfig): readonly MountRequest[] {
  const targets = new Set<string>();
  for (const { target } of requests) {
    const clean = cleanPath(target);
    if (targets.has(clean)) throw invalidArgument(`Duplicate mount point: ${target}`);
    targets.add(clean);
  }
  const declared = Object.keys(image.config?.Volumes ?? {}).filter((target) => !targets.has(cleanPath(target)));
  return [
    ...requests,
    ...declared.map((target): VolumeMountRequest => ({ type: "volume", target, readOnly: false, noCopy: false })),
  ];
}

/** The path without doubled and trailing slashes. */
function cleanPath(target: string): string {
  return target.replace(/\/+/g, "/").replace(/(?<=.)\/$/, "");
}

async function bindMount(engine: Engine, request: BindMountRequest): Promise<MountPoint> {
  if (!request.source.startsWith("/")) {
    throw invalidArgument(
      `invalid mount config for type "bind": invalid mount path: '${request.source}' mount path must be absolute`,
    );
  }
  await engine.volumes.checkBindSource(request.source, { create: request.createSource });
  return {
    type: "bind",
    source: request.source,
    destination: request.target,
    readWrite: !request.readOnly,
    propagation: request.propagation ?? "rprivate",
    anonymous: false,
  };
}

async function volumeMount(
  engine: Engine,
  request: VolumeMountRequest,
): Promise<{ readonly mount: MountPoint; readonly isNew: boolean }> {
  const { volume, created } = await engine.volumes.ensure({
    ...(request.source !== undefined && { name: request.source }),
    labels: request.labels ?? {},
  });
  return {
    mount: {
      type: "volume",
      name: volume.name,
      source: volume.path,
      destination: request.target,
      readWrite: !request.readOnly,
      propagation: "",
      anonymous: request.source === undefined,
    },
    isNew: created,
  };
}
