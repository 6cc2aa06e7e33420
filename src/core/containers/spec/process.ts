// SPDX-License-Identifier: Apache-2.0

import { failedPrecondition } from "../../../base/errors.ts";
import type { CapabilitySets } from "../../../oci/runtime/capabilities.ts";
import type { RuntimeCapabilities, RuntimeProcess, RuntimeUser } from "../../../oci/runtime/spec.ts";
import { isOfPod } from "../container-config.ts";
import type { SecurityOptions } from "../security-options.ts";
import { selinuxLabels } from "../selinux-label.ts";
import type { ResolvedUser } from "../user.ts";
import { resolveCommand } from "./command.ts";
import { buildEnvironment } from "./environment.ts";
import { clampOomScore, resolveOomScore } from "./oom-score.ts";
import { buildRlimits } from "./rlimits.ts";
import type { SpecInput } from "./spec-input.ts";
import { resolveWorkingDirectory } from "./working-directory.ts";

/** Where the init program is seen in the container. */
export const initTarget = "/sbin/berth-init";

/** The container's first process. */
export function buildProcess(
  input: SpecInput,
  security: SecurityOptions,
  capabilities: CapabilitySets,
): RuntimeProcess {
  const { config, image, host, user } = input;
  const oomScore = isOfPod(config) ? clampOomScore : resolveOomScore;
  const { entrypoint, command } = resolveCommand(config, image);
  return {
    terminal: config.terminal,
    user: toRuntimeUser(user),
    args: [...(config.init ? initArguments(input) : []), ...entrypoint, ...command],
    env: buildEnvironment({
      hostname: input.hostname,
      terminal: config.terminal,
      home: user.home,
      layers: [image.Env ?? [], config.environment],
    }),
    cwd: resolveWorkingDirectory(config.workingDirectory, image.WorkingDir),
    capabilities: capabilitySets(capabilities, user.uid),
    rlimits: buildRlimits(config.ulimits, host),
    noNewPrivileges: security.noNewPrivileges,
    oomScoreAdj: oomScore(config.oomScoreAdj, host.oomScoreAdjMinimum),
    ...(security.apparmor === undefined ? {} : { apparmorProfile: security.apparmor }),
    ...(security.selinux === undefined || config.privileged
      ? {}
      : { selinuxLabel: selinuxLabels(security.selinux, input.sandboxId).process }),
  };
}

export function toRuntimeUser(user: ResolvedUser): RuntimeUser {
  return { uid: user.uid, gid: user.gid, additionalGids: user.additionalGids };
}

/**
 * The sets that execve(2) would leave a user with: all of them for root, only the ambient ones for others. Nothing else
 * is ever inheritable (CVE-2022-24769).
 */
export function capabilitySets({ bounding, ambient }: CapabilitySets, uid: number): RuntimeCapabilities {
  const held = uid === 0 ? bounding : ambient;
  return { bounding, effective: held, permitted: held, inheritable: ambient, ambient };
}

function initArguments(input: SpecInput): readonly string[] {
  if (input.initPath === undefined) throw failedPrecondition("cannot use --init: the init program is not installed");
  return [initTarget, "--"];
}
