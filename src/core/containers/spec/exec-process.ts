// SPDX-License-Identifier: Apache-2.0

import { invalidArgument } from "../../../base/errors.ts";
import type { ContainerDefaults } from "../../../oci/image/documents.ts";
import { resolveCapabilities } from "../../../oci/runtime/capabilities.ts";
import { type RlimitValue, type RuntimeProcess, unlimitedRlimit } from "../../../oci/runtime/spec.ts";
import type { HostFacts } from "../../host/host-facts.ts";
import type { ContainerConfig } from "../container-config.ts";
import type { ResolvedUser } from "../user.ts";
import { buildEnvironment, mergeEnvironment } from "./environment.ts";
import { capabilitySets, toRuntimeUser } from "./process.ts";
import { resolveWorkingDirectory } from "./working-directory.ts";

export interface ExecInput {
  /** What the container itself runs. */
  readonly container: RuntimeProcess;
  readonly config: ContainerConfig;
  readonly image: ContainerDefaults;
  readonly host: Pick<HostFacts, "capabilities">;
  readonly hostname: string;
  readonly command: readonly string[];
  /** Resolved in the container's files now: the exec's own user, or else the container's. */
  readonly user: ResolvedUser;
  readonly workingDirectory?: string;
  readonly environment: readonly string[];
  readonly terminal: boolean;
  /** Of the terminal, from its first moment on. */
  readonly size?: { readonly width: number; readonly height: number };
  /** Every capability that the daemon can give; the system call filter stays the container's. */
  readonly privileged: boolean;
}

/** Another process in a running container: the container's own, but for what was asked. */
export function buildExecProcess(input: ExecInput): RuntimeProcess {
  const { container: own, user } = input;
  if (input.command.length === 0) throw invalidArgument("no exec command specified");
  const { apparmorProfile, consoleSize: _consoleSize, ...inherited } = own;
  const capabilities = input.privileged
    ? resolveCapabilities({ add: [], drop: [], privileged: true, available: input.host.capabilities })
    : { bounding: own.capabilities?.bounding ?? [], ambient: own.capabilities?.ambient ?? [] };
  return {
    ...inherited,
    terminal: input.terminal,
    ...(input.terminal && input.size !== undefined && { consoleSize: input.size }),
    user: toRuntimeUser(user),
    args: input.command,
    env: buildEnvironment({
      hostname: input.hostname,
      terminal: input.terminal,
      home: user.home,
      layers: [...inheritedEnvironment(input), input.environment],
    }),
    cwd: resolveWorkingDirectory(input.workingDirectory, own.cwd),
    capabilities: capabilitySets(capabilities, user.uid),
    rlimits: (own.rlimits ?? []).map(({ type, soft, hard }) => ({ type, soft: restored(soft), hard: restored(hard) })),
    ...(apparmorProfile === undefined || input.privileged ? {} : { apparmorProfile }),
  };
}

/** The container's own variables; its terminal and its user's home are not the exec's. */
function inheritedEnvironment({ container, image, config }: ExecInput): readonly (readonly string[])[] {
  const asked = [image.Env ?? [], config.environment];
  const names = new Set(mergeEnvironment(asked).map((entry) => entry.split("=", 1)[0]));
  const isOwn = (name = "") => (name === "TERM" || name === "HOME") && !names.has(name);
  // Devices and hooks have added to what was asked.
  return [...asked, container.env.filter((entry) => !isOwn(entry.split("=", 1)[0]))];
}

/** A process that was kept in the store comes back with a plain object where no limit was meant. */
function restored(value: RlimitValue): RlimitValue {
  return typeof value === "number" ? value : unlimitedRlimit;
}
