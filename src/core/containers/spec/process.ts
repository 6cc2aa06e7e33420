// SPDX-License-Identifier: Apache-2.0

import { failedPrecondition } from "../../../base/errors.ts";
import type { RuntimeCapabilities, RuntimeProcess, RuntimeUser } from "../../../oci/runtime/spec.ts";
import type { SecurityOptions } from "../security-options.ts";
import type { ResolvedUser } from "../user.ts";
import { resolveCommand } from "./command.ts";
import { buildEnvironment } from "./environment.ts";
import { resolveOomScore } from "./oom-score.ts";
import { buildRlimits } from "./rlimits.ts";
import type { SpecInput } from "./spec-input.ts";
import { resolveWorkingDirectory } from "./working-directory.ts";

/** Where the init program is seen in the container. */
export const initTarget = "/sbin/berth-init";

/** The container's first process. */
export function buildProcess(
  input: SpecInput,
  security: SecurityOptions,
  capabilities: readonly string[],
): RuntimeProcess {
  const { config, image, host, user } = input;
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
    oomScoreAdj: resolveOomScore(config.oomScoreAdj, host.oomScoreAdjMinimum),
    ...(security.apparmor === undefined ? {} : { apparmorProfile: security.apparmor }),
  };
}

export function toRuntimeUser(user: ResolvedUser): RuntimeUser {
  return { uid: user.uid, gid: user.gid, additionalGids: user.additionalGids };
}

/**
 * The sets that execve(2) would leave a user with: all of them for root, only the bounding set for others. Nothing is
 * ever inheritable (CVE-2022-24769).
 */
export function capabilitySets(names: readonly string[], uid: number): RuntimeCapabilities {
  const held = uid === 0 ? names : [];
  return { bounding: names, effective: held, permitted: held, inheritable: [], ambient: [] };
}

function initArguments(input: SpecInput): readonly string[] {
  if (input.initPath === undefined) throw failedPrecondition("cannot use --init: the init program is not installed");
  return [initTarget, "--"];
}
