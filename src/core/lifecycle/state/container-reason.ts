// SPDX-License-Identifier: Apache-2.0
// Why a container is not running, in the one word that Kubernetes' clients look for.

import type { ContainerRecord } from "../../containers/container.ts";

export type ContainerReason = "" | "Completed" | "Error" | "OOMKilled" | "StartError" | "Unknown";

/** "" while it has not ended. */
export function containerReason({ state }: Pick<ContainerRecord, "state">): ContainerReason {
  if (state.finishedAt === undefined || state.status === "running" || state.status === "paused") return "";
  if (state.lost === true) return "Unknown";
  if (state.startedAt === undefined) return "StartError";
  if (state.oomKilled) return "OOMKilled";
  return state.exitCode === 0 ? "Completed" : "Error";
}
