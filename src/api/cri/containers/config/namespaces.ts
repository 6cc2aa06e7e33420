// SPDX-License-Identifier: Apache-2.0

import { invalidArgument } from "../../../../base/errors.ts";
import { checkIdMappings, type IdMapping, type IdMappings } from "../../../../base/id-mapping.ts";
import type { PodConfig } from "../../../../core/sandboxes/pod.ts";
import * as cri from "../../../../gen/runtime/v1/api_pb.js";

type PodNamespaces = Pick<PodConfig, "network" | "ipc" | "pid" | "userNamespace">;

/** Whose processes the container sees. The only namespace that containers of one pod may choose each for itself. */
export function toPidMode(options: cri.NamespaceOption | undefined, pod: PodNamespaces): string {
  checkShared("network", options?.network, pod.network);
  checkShared("IPC", options?.ipc, pod.ipc);
  const mode = options?.pid ?? cri.NamespaceMode.POD;
  switch (mode) {
    case cri.NamespaceMode.POD:
      return pod.pid === "container" ? "" : pod.pid;
    case cri.NamespaceMode.CONTAINER:
      return "";
    case cri.NamespaceMode.NODE:
      return "host";
    case cri.NamespaceMode.TARGET:
      if ((options?.targetId ?? "") === "") throw invalidArgument("PID mode TARGET needs the id of a container");
      return `container:${options?.targetId}`;
    default:
      throw invalidArgument(`invalid PID mode: ${mode as number}`);
  }
}

/** The pod has decided; asking for the node's against that is a mistake that must not go unseen. */
function checkShared(what: string, mode: cri.NamespaceMode | undefined, ofPod: "pod" | "host"): void {
  if (mode === undefined || mode === cri.NamespaceMode.POD) return;
  if (mode === cri.NamespaceMode.NODE && ofPod === "host") return;
  const name = cri.NamespaceMode[mode] ?? String(mode);
  throw invalidArgument(`the container's ${what} mode ${name} differs from the pod's`);
}

/** "pod" when the pod has a user namespace; what the container says about it must be the same. */
export function toUsernsMode(options: cri.NamespaceOption | undefined, pod: PodNamespaces): string | undefined {
  const asked = options?.usernsOptions;
  if (asked !== undefined && !isSame(toUserNamespace(asked), pod.userNamespace)) {
    throw invalidArgument("the container's user namespace differs from the pod's");
  }
  return pod.userNamespace === undefined ? undefined : "pod";
}

/** The mappings that make a user namespace; undefined for the node's. One range that starts at 0, the same for groups. */
export function toUserNamespace(message: cri.UserNamespace | undefined): IdMappings | undefined {
  if (message === undefined) return undefined;
  const { mode, uids, gids } = message;
  if (mode === cri.NamespaceMode.NODE) {
    if (uids.length + gids.length > 0) throw invalidArgument("the node's user namespace takes no id mappings");
    return undefined;
  }
  if (mode !== cri.NamespaceMode.POD) {
    throw invalidArgument(`unsupported user namespace mode: ${cri.NamespaceMode[mode] ?? String(mode)}`);
  }
  if (uids.length !== 1 || gids.length !== 1) {
    throw invalidArgument("a pod's user namespace needs one mapping of users and one of groups");
  }
  const mappings = toIdMappings(uids, gids);
  checkIdMappings(mappings);
  if (!isSameList(mappings.uidMappings, mappings.gidMappings)) {
    throw invalidArgument("the mappings of users and groups of a pod must be the same");
  }
  return mappings;
}

/** As the engine writes them. */
export function toIdMappings(uids: readonly cri.IDMapping[], gids: readonly cri.IDMapping[]): IdMappings {
  const toMapping = ({ containerId, hostId, length }: cri.IDMapping): IdMapping => ({
    containerId,
    hostId,
    size: length,
  });
  return { uidMappings: uids.map(toMapping), gidMappings: gids.map(toMapping) };
}

function isSame(left: IdMappings | undefined, right: IdMappings | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  return isSameList(left.uidMappings, right.uidMappings) && isSameList(left.gidMappings, right.gidMappings);
}

function isSameList(left: readonly IdMapping[], right: readonly IdMapping[]): boolean {
  const isEqual = (a: IdMapping, b: IdMapping | undefined) =>
    a.containerId === b?.containerId && a.hostId === b.hostId && a.size === b.size;
  return left.length === right.length && left.every((mapping, index) => isEqual(mapping, right[index]));
}
