// SPDX-License-Identifier: Apache-2.0
// What can be said of a container before anything is made for it.

import { failedPrecondition, invalidArgument } from "../../../base/errors.ts";
import type { ContainerConfig } from "../../containers/container-config.ts";
import { parseSecurityOptions } from "../../containers/security-options.ts";
import { checkContainerConfig } from "../../containers/spec/check-config.ts";
import type { PodRecord } from "../../sandboxes/sandbox.ts";
import type { Engine } from "../engine.ts";

/** Refuses what could not be started; answers with what is worth a warning. */
export async function checkRequest(
  engine: Pick<Engine, "host" | "registry" | "securityModules">,
  config: ContainerConfig,
  pod: Pick<PodRecord, "id"> | undefined,
): Promise<readonly string[]> {
  checkModes(engine, config, pod);
  const warnings = checkContainerConfig(config, engine.host);
  await checkProfiles(engine, config);
  return warnings;
}

/** Only a pod's container has what is the pod's; and of its processes, only those of containers beside it are shared. */
function checkModes(
  engine: Pick<Engine, "registry">,
  config: ContainerConfig,
  pod: Pick<PodRecord, "id"> | undefined,
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

/** A profile that is not loaded fails now, by its name, and not at the start by the runtime's riddle. */
async function checkProfiles(engine: Pick<Engine, "host" | "securityModules">, config: ContainerConfig): Promise<void> {
  const { apparmor } = parseSecurityOptions(config.securityOptions, engine.host);
  if (apparmor === undefined || (await engine.securityModules.apparmorProfiles()).has(apparmor)) return;
  throw failedPrecondition(`apparmor profile ${apparmor} is not loaded on this host`);
}
