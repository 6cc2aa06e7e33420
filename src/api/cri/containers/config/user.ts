// SPDX-License-Identifier: Apache-2.0

import { invalidArgument } from "../../../../base/errors.ts";
import type { ContainerConfig } from "../../../../core/containers/container-config.ts";
import * as cri from "../../../../gen/runtime/v1/api_pb.js";

type User = Pick<ContainerConfig, "user" | "groupAdd" | "supplementalGroupsPolicy">;

/** Who the container runs as; without any word about it, the image decides. */
export function toUser(security: cri.LinuxContainerSecurityContext | undefined): User {
  const user = userOf(security);
  return {
    ...(user !== "" && { user }),
    groupAdd: (security?.supplementalGroups ?? []).map((gid) => checkId("supplemental group", gid)),
    supplementalGroupsPolicy: policyOf(security?.supplementalGroupsPolicy ?? cri.SupplementalGroupsPolicy.Merge),
  };
}

function userOf(security: cri.LinuxContainerSecurityContext | undefined): string {
  if (security === undefined) return "";
  const { runAsUser, runAsUsername, runAsGroup } = security;
  if (runAsUser !== undefined && runAsUsername !== "") {
    throw invalidArgument("run_as_user and run_as_username exclude each other");
  }
  if (/[:\s]/.test(runAsUsername)) throw invalidArgument(`invalid run_as_username: ${JSON.stringify(runAsUsername)}`);
  const user = runAsUser === undefined ? runAsUsername : checkId("run_as_user", runAsUser.value);
  if (runAsGroup === undefined) return user;
  const group = checkId("run_as_group", runAsGroup.value);
  if (user === "") throw invalidArgument(`user group ${group} is specified without user`);
  return `${user}:${group}`;
}

function policyOf(policy: cri.SupplementalGroupsPolicy): "merge" | "strict" {
  switch (policy) {
    case cri.SupplementalGroupsPolicy.Merge:
      return "merge";
    case cri.SupplementalGroupsPolicy.Strict:
      return "strict";
    default:
      throw invalidArgument(`invalid supplemental groups policy: ${policy as number}`);
  }
}

const maximumId = 2_147_483_647n;

function checkId(what: string, id: bigint): string {
  if (id < 0n || id > maximumId) throw invalidArgument(`${what} must be in range 0-${maximumId}, not ${id}`);
  return String(id);
}
