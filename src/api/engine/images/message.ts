// SPDX-License-Identifier: Apache-2.0
// An image as its message.

import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { HistoryStep } from "../../../core/images/image-history.ts";
import type { Image } from "../../../core/images/image-service.ts";
import type { Engine } from "../../../core/lifecycle/engine.ts";
import type { TransferProgress } from "../../../core/transfer/progress.ts";
import * as proto from "../../../gen/berth/engine/v1/image_pb.js";
import type { ContainerDefaults } from "../../../oci/image/documents.ts";
import { familiarName, parseReference } from "../../../oci/reference/reference.ts";

export function toImageMessage(engine: Engine, image: Image): proto.Image {
  const { config } = image;
  return create(proto.ImageSchema, {
    id: image.id,
    repoTags: image.names.map((name) => familiarName(parseReference(name))),
    repoDigests: image.repoDigests.map((name) => familiarName(parseReference(name))),
    createdAt: timestampFromMs(image.createdAt),
    sizeBytes: BigInt(image.size),
    architecture: config.architecture,
    os: config.os,
    variant: config.variant ?? "",
    author: config.author ?? "",
    comment: config.history?.at(-1)?.comment ?? "",
    defaults: toDefaultsMessage(config.config ?? {}),
    diffIds: [...config.rootfs.diff_ids],
    targetDigest: image.target.digest,
    targetMediaType: image.target.mediaType,
    targetSize: BigInt(image.target.size),
    containers: engine.registry.list().filter((record) => record.imageId === image.id).length,
  });
}

function toDefaultsMessage(defaults: ContainerDefaults): proto.ImageDefaults {
  return create(proto.ImageDefaultsSchema, {
    user: defaults.User ?? "",
    exposedPorts: Object.keys(defaults.ExposedPorts ?? {}),
    environment: [...(defaults.Env ?? [])],
    entrypoint: [...(defaults.Entrypoint ?? [])],
    command: [...(defaults.Cmd ?? [])],
    volumes: Object.keys(defaults.Volumes ?? {}),
    workingDirectory: defaults.WorkingDir ?? "",
    labels: { ...defaults.Labels },
    stopSignal: defaults.StopSignal ?? "",
    healthcheckJson: defaults.Healthcheck === undefined ? "" : JSON.stringify(defaults.Healthcheck),
    onBuild: [...(defaults.OnBuild ?? [])],
    shell: [...(defaults.Shell ?? [])],
  });
}

export function toHistoryMessage(step: HistoryStep): MessageInitShape<typeof proto.HistoryStepSchema> {
  return {
    id: step.id ?? "",
    ...(step.createdAt !== undefined && { createdAt: timestampFromMs(step.createdAt) }),
    createdBy: step.createdBy,
    author: step.author,
    comment: step.comment,
    sizeBytes: BigInt(step.size),
    emptyLayer: step.isEmptyLayer,
    tags: step.names.map((name) => familiarName(parseReference(name))),
  };
}

/** A line of a transfer. */
export function toProgressMessage({
  id,
  status,
  current,
  total,
}: TransferProgress): MessageInitShape<typeof proto.TransferProgressSchema> {
  return {
    id: id ?? "",
    status,
    ...(current !== undefined && { currentBytes: BigInt(current) }),
    ...(total !== undefined && { totalBytes: BigInt(total) }),
  };
}
