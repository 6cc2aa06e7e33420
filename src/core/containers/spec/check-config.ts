// SPDX-License-Identifier: Apache-2.0

import { invalidArgument } from "../../../base/errors.ts";
import { checkMountRequests } from "../../../base/parse/mount-request.ts";
import { resolveCapabilities } from "../../../oci/runtime/capabilities.ts";
import { parseSeccompProfile } from "../../../oci/runtime/seccomp-profile.ts";
import type { HostFacts } from "../../host/host-facts.ts";
import { type ContainerConfig, isOfPod } from "../container-config.ts";
import { parseSecurityOptions } from "../security-options.ts";
import { cgroupPath } from "./cgroup-path.ts";
import { buildDevices } from "./devices.ts";
import { buildEnvironment } from "./environment.ts";
import { checkMinimumMemory } from "./memory.ts";
import { tmpfsOptions } from "./mounts/tmpfs-options.ts";
import { checkNamespaceModes } from "./namespaces.ts";
import { clampOomScore, resolveOomScore } from "./oom-score.ts";
import { buildResources } from "./resources.ts";
import { buildRlimits } from "./rlimits.ts";
import { buildSysctls } from "./sysctls.ts";
import { resolveWorkingDirectory } from "./working-directory.ts";

/**
 * Refuses at creation what buildSpec would refuse at start, as far as that needs neither the image nor other objects;
 * answers with what is worth a warning.
 */
export function checkContainerConfig(config: ContainerConfig, host: HostFacts): readonly string[] {
  checkNamespaceModes(config);
  for (const mount of checkMountRequests(config.mounts)) if (mount.type === "tmpfs") tmpfsOptions(mount);
  const { seccomp } = parseSecurityOptions(config.securityOptions, host);
  const { architecture, kernelVersion, capabilities } = host;
  if (typeof seccomp === "object") parseSeccompProfile(seccomp.profile, { architecture, kernelVersion, capabilities });
  resolveCapabilities({
    add: config.capabilitiesAdd,
    drop: config.capabilitiesDrop,
    ambient: config.capabilitiesAmbient ?? [],
    privileged: config.privileged,
    available: capabilities,
  });
  buildResources(config.resources, host);
  buildRlimits(config.ulimits, host);
  if (isOfPod(config)) clampOomScore(config.oomScoreAdj, host.oomScoreAdjMinimum);
  else {
    resolveOomScore(config.oomScoreAdj, host.oomScoreAdjMinimum);
    checkMinimumMemory(config.resources);
  }
  buildSysctls(config);
  buildDevices({ config, devices: [], hostDevices: [] });
  buildEnvironment({ hostname: "", terminal: false, home: "/", layers: [config.environment] });
  resolveWorkingDirectory(config.workingDirectory);
  cgroupPath("", config.cgroupParent, false);
  if ((config.shmSizeBytes ?? 0) < 0) throw invalidArgument("SHM size can not be less than 0");
  return warningsOf(config, host);
}

function warningsOf(config: ContainerConfig, host: HostFacts): readonly string[] {
  const { memoryBytes = 0, oomKillDisable = false } = config.resources;
  const publishes = config.ports.length > 0 || config.publishAll;
  return [
    ...(memoryBytes > 0 && host.cgroup.swapLimit === false
      ? ["Your kernel does not support swap limit capabilities. Memory limited without swap."]
      : []),
    ...(oomKillDisable && memoryBytes === 0
      ? ["OOM killer is disabled for the container, but no memory limit is set: the host may run out of memory."]
      : []),
    ...(publishes && config.networkMode === "host"
      ? ["Published ports are discarded when using host network mode"]
      : []),
  ];
}
