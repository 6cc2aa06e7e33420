// SPDX-License-Identifier: Apache-2.0

import { invalidArgument } from "../../base/errors.ts";
import type { ContainerConfig } from "../containers/container-config.ts";
import type { PodRecord } from "../sandboxes/sandbox.ts";
import type { Engine } from "./engine.ts";

/** Only a pod's container has what is the pod's; and of its processes, only those of containers beside it are shared. */
export function checkModes(
  engine: Pick<Engine, "registry">,
  config: ContainerConfig,
  pod: PodRecord | undefined,
): void {
  const { networkMode, pidMode, ipcMode, utsMode, usernsMode } = config;
  if (pod === undefined) {
    const modes = { network: networkMode, PID: pidMode, IPC: ipcMode, UTS: utsMode, USER: usernsMode };
    for (const [what, mode] of Object.entries(modes)) {
      if (mode === "pod") throw invalidArgument(`invalid ${what} mode: pod: the container belongs to no pod`);
    }
    return;
  }
  if (!pidMode.startsWith("container:")) return;
  const target = engine.registry.get(pidMode.slice("container:".length));
  if (target.sandboxId !== pod.id) {
    throw invalidArgument(`the container ${target.id}, whose processes are to be shared, is not in the same pod`);
  }
}
