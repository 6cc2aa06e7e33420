// SPDX-License-Identifier: Apache-2.0

import { invalidArgument } from "../../../base/errors.ts";
import type { ContainerDefaults } from "../../../oci/image/documents.ts";
import type { ContainerConfig } from "../container-config.ts";

export interface ResolvedCommand {
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
}

/** What runs, image and user merged; invalid-argument when that is nothing. */
export function resolveCommand(
  config: Pick<ContainerConfig, "entrypoint" | "command">,
  image: Pick<ContainerDefaults, "Entrypoint" | "Cmd">,
): ResolvedCommand {
  const own = config.entrypoint;
  // Clients clear the entrypoint with [""] as well as with [].
  const entrypoint = own === undefined ? (image.Entrypoint ?? []) : own.length === 1 && own[0] === "" ? [] : own;
  const given = config.command ?? [];
  const command = given.length > 0 || own !== undefined ? given : (image.Cmd ?? []);
  if (entrypoint.length + command.length === 0) throw invalidArgument("no command specified");
  return { entrypoint, command };
}
