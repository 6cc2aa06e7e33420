// SPDX-License-Identifier: Apache-2.0
// A pod's container as CRI shows it.

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { MountRequest } from "../../../base/parse/mount-request.ts";
import type { ContainerMount } from "../../../core/containers/container.ts";
import type { Image } from "../../../core/images/image-service.ts";
import type { Engine } from "../../../core/lifecycle/engine.ts";
import { containerReason } from "../../../core/lifecycle/state/container-reason.ts";
import * as cri from "../../../gen/runtime/v1/api_pb.js";
import { mappingMessages } from "../pods/mapping-messages.ts";
import type { PodContainer } from "../runtime/find.ts";
import { toNanoseconds } from "../times.ts";
import { fromStopSignal } from "./config/process.ts";
import { fromResourceLimits } from "./config/resources.ts";

/** What a list shows. */
export function containerMessage(engine: Pick<Engine, "images">, record: PodContainer) {
  const { config } = record;
  return {
    id: record.id,
    podSandboxId: record.sandboxId,
    ...common(engine, record),
    state: containerState(record),
    createdAt: toNanoseconds(record.createdAt),
    labels: config.labels,
    annotations: config.annotations,
  } satisfies MessageInitShape<typeof cri.ContainerSchema>;
}

export function containerStatusMessage(
  engine: Pick<Engine, "images">,
  record: PodContainer,
): MessageInitShape<typeof cri.ContainerStatusSchema> {
  const { config, state } = record;
  const reason = containerReason(record);
  const user = record.process?.user;
  return {
    id: record.id,
    ...common(engine, record),
    state: containerState(record),
    createdAt: toNanoseconds(record.createdAt),
    startedAt: toNanoseconds(state.startedAt),
    finishedAt: toNanoseconds(state.finishedAt),
    exitCode: reason === "StartError" ? startErrorExitCode : state.exitCode,
    reason,
    message: state.error,
    labels: config.labels,
    annotations: config.annotations,
    mounts: record.mounts.flatMap(mountMessage),
    logPath: record.logPath,
    resources: { linux: fromResourceLimits(config.resources, config.oomScoreAdj) },
    ...(user !== undefined && {
      user: {
        linux: {
          uid: BigInt(user.uid),
          gid: BigInt(user.gid),
          supplementalGroups: (user.additionalGids ?? []).map(BigInt),
        },
      },
    }),
    stopSignal: fromStopSignal(record.stopSignal),
  };
}

/** Of a container whose process never ran. */
const startErrorExitCode = 128;

export function containerState({ state }: Pick<PodContainer, "state">): cri.ContainerState {
  switch (state.status) {
    case "running":
    case "paused":
      return cri.ContainerState.CONTAINER_RUNNING;
    case "created":
      // One that could not be started is over.
      return state.finishedAt === undefined
        ? cri.ContainerState.CONTAINER_CREATED
        : cri.ContainerState.CONTAINER_EXITED;
    case "exited":
    case "dead":
      return cri.ContainerState.CONTAINER_EXITED;
  }
}

function common(engine: Pick<Engine, "images">, record: PodContainer) {
  const { pod, imageId } = record;
  const image = engine.images.find(imageId);
  return {
    metadata: { name: pod.name, attempt: pod.attempt },
    image: { image: imageName(record, image), userSpecifiedImage: pod.userSpecifiedImage ?? "" },
    imageRef: image?.repoDigests[0] ?? imageId,
    imageId,
  };
}

/** A kubelet asks for a container by its image's id; what it shows people is the name that they wrote. */
function imageName({ pod, config, imageId }: PodContainer, image: Image | undefined): string {
  if (config.image !== imageId) return config.image;
  return pod.userSpecifiedImage ?? image?.names[0] ?? config.image;
}

function mountMessage({ request, image }: ContainerMount): MessageInitShape<typeof cri.MountSchema>[] {
  switch (request.type) {
    case "bind":
      return [
        {
          containerPath: request.target,
          hostPath: request.source,
          readonly: request.readOnly,
          recursiveReadOnly: request.recursive === "readonly",
          selinuxRelabel: request.relabel === true,
          propagation: propagationOf(request),
          ...mappingMessages(request.idMappings),
        },
      ];
    case "image":
      return [
        {
          containerPath: request.target,
          readonly: true,
          image: { image: request.image, imageRef: image?.id ?? "" },
          imageSubPath: request.subPath ?? "",
        },
      ];
    // Volumes that the image declares are nobody's wish.
    case "tmpfs":
    case "volume":
      return [];
  }
}

function propagationOf(request: Extract<MountRequest, { readonly type: "bind" }>): cri.MountPropagation {
  switch (request.propagation) {
    case "rshared":
    case "shared":
      return cri.MountPropagation.PROPAGATION_BIDIRECTIONAL;
    case "rslave":
    case "slave":
      return cri.MountPropagation.PROPAGATION_HOST_TO_CONTAINER;
    default:
      return cri.MountPropagation.PROPAGATION_PRIVATE;
  }
}
