// SPDX-License-Identifier: Apache-2.0
// What run and create have in common: the container is made, after its image was pulled where that is needed.

import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { BerthError, type ContainerOptions } from "@berth/sdk";
import type { CommandContext } from "./command.ts";
import type { ContainerFlagValues } from "./container-options.ts";
import { CliError, UsageError } from "./errors.ts";
import { pullImage } from "./pull-image.ts";
import { withDefaultTag } from "./references.ts";

/** The new container's id. */
export async function createContainer(
  context: CommandContext,
  flags: ContainerFlagValues,
  options: ContainerOptions,
): Promise<string> {
  const policy = flags.pull ?? "missing";
  if (policy !== "always" && policy !== "missing" && policy !== "never") {
    throw new UsageError(`invalid pull option: '${policy}': must be one of "always", "missing" or "never"`);
  }
  const idFile = flags.cidfile === undefined || flags.cidfile === "" ? undefined : openIdFile(flags.cidfile);
  try {
    const pull = async () => {
      await pullImage(context, options.image ?? "", {
        platform: flags.platform,
        output: flags.quiet ? undefined : context.stderr,
      });
    };
    if (policy === "always") await pull();
    const { id, warnings } = await createOrPull(context, flags, options, policy === "missing" ? pull : undefined);
    for (const warning of warnings) context.stderr.write(`WARNING: ${warning}\n`);
    idFile?.write(id);
    return id;
  } catch (error) {
    idFile?.remove();
    throw error;
  }
}

/** pull: how to get an image that is not here; undefined when it may not be pulled. */
async function createOrPull(
  context: CommandContext,
  flags: ContainerFlagValues,
  options: ContainerOptions,
  pull: (() => Promise<void>) | undefined,
) {
  const create = async () =>
    await context.client().containers.create(options, {
      signal: context.signal,
      ...(flags.name !== undefined && { name: flags.name }),
    });
  try {
    return await create();
  } catch (error) {
    if (pull === undefined || !isMissingImage(error)) throw error;
    if (!flags.quiet) context.stderr.write(`Unable to find image '${withDefaultTag(options.image ?? "")}' locally\n`);
    await pull();
    return await create();
  }
}

function isMissingImage(error: unknown): boolean {
  return error instanceof BerthError && error.code === "not-found" && /no such image/i.test(error.message);
}

/** Refuses a file that is there: it may be the id of a container that runs. */
function openIdFile(path: string): { write: (id: string) => void; remove: () => void } {
  let file: number;
  try {
    file = openSync(path, "wx");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") {
      throw new CliError(`failed to create the container ID file: ${(error as Error).message}`, 125, { cause: error });
    }
    throw new CliError(`container ID file found, make sure the other container isn't running or delete ${path}`, 125, {
      cause: error,
    });
  }
  return {
    write: (id) => {
      writeSync(file, id);
      closeSync(file);
    },
    remove: () => {
      closeSync(file);
      rmSync(path, { force: true });
    },
  };
}
