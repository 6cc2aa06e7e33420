// SPDX-License-Identifier: Apache-2.0
// An image in the shape of docker inspect.

import type { Image, ImageDefaults } from "@berth/sdk";
import { formatTimestamp } from "../times.ts";

/** What inspect prints for an image. */
export function imageJson(image: Image): Record<string, unknown> {
  return {
    Id: image.id,
    RepoTags: image.repoTags,
    RepoDigests: image.repoDigests,
    Parent: "",
    Comment: image.comment,
    ...(image.createdAt !== undefined && { Created: formatTimestamp(image.createdAt) }),
    DockerVersion: "",
    Author: image.author,
    Config: image.defaults === undefined ? null : configJson(image.defaults),
    Architecture: image.architecture,
    ...(image.variant !== "" && { Variant: image.variant }),
    Os: image.os,
    Size: Number(image.sizeBytes),
    VirtualSize: Number(image.sizeBytes),
    RootFS: { Type: "layers", Layers: image.diffIds },
    Metadata: { LastTagTime: "0001-01-01T00:00:00Z" },
    Descriptor: {
      mediaType: image.targetMediaType,
      digest: image.targetDigest,
      size: Number(image.targetSize),
    },
  };
}

function configJson(defaults: ImageDefaults): Record<string, unknown> {
  return {
    User: defaults.user,
    ...(defaults.exposedPorts.length > 0 && { ExposedPorts: toSet(defaults.exposedPorts) }),
    Env: orNull(defaults.environment),
    Cmd: orNull(defaults.command),
    ...(defaults.healthcheckJson !== "" && { Healthcheck: JSON.parse(defaults.healthcheckJson) as unknown }),
    Volumes: defaults.volumes.length === 0 ? null : toSet(defaults.volumes),
    WorkingDir: defaults.workingDirectory,
    Entrypoint: orNull(defaults.entrypoint),
    OnBuild: orNull(defaults.onBuild),
    Labels: Object.keys(defaults.labels).length === 0 ? null : defaults.labels,
    ...(defaults.stopSignal !== "" && { StopSignal: defaults.stopSignal }),
    ...(defaults.shell.length > 0 && { Shell: defaults.shell }),
  };
}

function toSet(keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(keys.map((key) => [key, {}]));
}

function orNull(values: readonly string[]): readonly string[] | null {
  return values.length === 0 ? null : values;
}
