// SPDX-License-Identifier: Apache-2.0

import { failedPrecondition, invalidArgument } from "../../../../base/errors.ts";
import { cleanPath } from "../../../../base/parse/clean-path.ts";
import { checkMountRequests, type MountPropagation, type MountRequest } from "../../../../base/parse/mount-request.ts";
import type { SpecFeatures } from "../../../../core/containers/spec/spec-input.ts";
import * as cri from "../../../../gen/runtime/v1/api_pb.js";
import { toIdMappings } from "./namespaces.ts";

type MountFeatures = Pick<SpecFeatures, "recursiveReadOnly" | "idMappedMounts">;

/** Of mounts at one place only the last can be seen, as when one were made over the other. */
export function toMounts(messages: readonly cri.Mount[], features: MountFeatures): readonly MountRequest[] {
  const byTarget = new Map<string, MountRequest>();
  for (const message of messages) {
    const request = toMount(message, features);
    byTarget.delete(request.target);
    byTarget.set(request.target, request);
  }
  return checkMountRequests([...byTarget.values()]);
}

function toMount(message: cri.Mount, features: MountFeatures): MountRequest {
  if (message.containerPath === "") throw invalidArgument("a mount must have a container path");
  const target = cleanPath(`/${message.containerPath}`);
  return (message.image?.image ?? "") === "" ? toBind(message, target, features) : toImage(message, target);
}

function toBind(message: cri.Mount, target: string, features: MountFeatures): MountRequest {
  const { hostPath, uidMappings, gidMappings } = message;
  const propagation = toPropagation(message.propagation);
  if (hostPath === "") throw invalidArgument(`the mount at ${target} must have a host path or an image`);
  if (message.imageSubPath !== "") throw invalidArgument(`the mount at ${target} has an image sub path but no image`);
  if (message.recursiveReadOnly) checkRecursiveReadOnly(message, target, features);
  const isMapped = uidMappings.length + gidMappings.length > 0;
  if (isMapped && features.idMappedMounts !== true) {
    throw failedPrecondition(`cannot map the owners of the mount at ${target}: kernel or runtime cannot do it (idmap)`);
  }
  return {
    type: "bind",
    source: hostPath,
    target,
    readOnly: message.readonly,
    recursive: message.recursiveReadOnly ? "readonly" : "writable",
    createSource: false,
    ...(propagation !== undefined && { propagation }),
    ...(isMapped && { idMappings: toIdMappings(uidMappings, gidMappings) }),
    ...(message.selinuxRelabel && { relabel: true }),
  };
}

function toImage(message: cri.Mount, target: string): MountRequest {
  if (message.hostPath !== "") throw invalidArgument(`the mount at ${target} has both a host path and an image`);
  if (!message.readonly) throw invalidArgument(`the image at ${target} can only be mounted read-only`);
  if (message.propagation !== cri.MountPropagation.PROPAGATION_PRIVATE) {
    throw invalidArgument(`the image at ${target} can only be mounted with private propagation`);
  }
  return {
    type: "image",
    image: message.image?.image ?? "",
    target,
    readOnly: message.readonly,
    ...(message.imageSubPath !== "" && { subPath: message.imageSubPath }),
  };
}

/** Kubelets know what failed by the first word (cri-api, pkg/errors). */
function checkRecursiveReadOnly(message: cri.Mount, target: string, features: MountFeatures): void {
  if (!message.readonly) throw invalidArgument(`recursive read-only mount at ${target} must be read-only`);
  if (message.propagation !== cri.MountPropagation.PROPAGATION_PRIVATE) {
    throw invalidArgument(`recursive read-only mount at ${target} must have private propagation`);
  }
  if (features.recursiveReadOnly !== true) {
    throw failedPrecondition(`RROUnsupported: cannot mount recursively read-only at ${target} with this runtime`);
  }
}

function toPropagation(propagation: cri.MountPropagation): MountPropagation | undefined {
  switch (propagation) {
    case cri.MountPropagation.PROPAGATION_PRIVATE:
      return undefined;
    case cri.MountPropagation.PROPAGATION_HOST_TO_CONTAINER:
      return "rslave";
    case cri.MountPropagation.PROPAGATION_BIDIRECTIONAL:
      return "rshared";
    default:
      throw invalidArgument(`invalid mount propagation: ${propagation as number}`);
  }
}
