// SPDX-License-Identifier: Apache-2.0

import type { ExecOptions } from "@berth/sdk";
import { type CommandContext, defineCommand } from "../command.ts";
import { detachKeysFlag } from "../container-flags.ts";
import { environmentOf } from "../container-options.ts";
import { StartFailure } from "../errors.ts";
import { type FlagValues, list, text, toggle } from "../flags.ts";
import { checkTerminal, runSession } from "../process-session.ts";
import { terminalSize } from "../terminal/terminal.ts";

const execFlags = {
  detach: toggle("Detached mode: run command in the background", { short: "d" }),
  "detach-keys": detachKeysFlag,
  env: list("Set environment variables", { short: "e" }),
  "env-file": list("Read in a file of environment variables"),
  interactive: toggle("Keep STDIN open even if not attached", { short: "i" }),
  privileged: toggle("Give extended privileges to the command"),
  tty: toggle("Allocate a pseudo-TTY", { short: "t" }),
  user: text("Username or UID (format: <name|uid>[:<group|gid>])", { short: "u" }),
  workdir: text("Working directory inside the container", { short: "w" }),
};

type ExecFlags = FlagValues<typeof execFlags>;

export const command = defineCommand({
  usage: "exec [OPTIONS] CONTAINER COMMAND [ARG...]",
  description: "Execute a command in a running container",
  flags: execFlags,
  arguments: { minimum: 2 },
  flagsFirst: true,
  failures: "engine",
  async run({ flags, args }, context) {
    const config = toExecOptions(flags, args, context.environment);
    if (flags.detach) {
      await context.client().containers.execDetached(config, { signal: context.signal }).catch(failStart);
      return 0;
    }
    checkTerminal(context, { stdin: flags.interactive, tty: flags.tty });
    return await execAttached(context, flags, config);
  },
});

/** args: the container and the command. */
function toExecOptions(
  flags: ExecFlags,
  [container = "", ...command]: readonly string[],
  environment: NodeJS.ProcessEnv,
) {
  return {
    container,
    command,
    environment: environmentOf(flags, environment),
    terminal: flags.tty,
    privileged: flags.privileged,
    stdin: flags.interactive && !flags.detach,
    ...(flags.user !== undefined && { user: flags.user }),
    ...(flags.workdir !== undefined && { workingDirectory: flags.workdir }),
  } satisfies ExecOptions;
}

async function execAttached(
  context: CommandContext,
  flags: ExecFlags,
  config: ReturnType<typeof toExecOptions>,
): Promise<number> {
  const { containers } = context.client();
  const { signal } = context;
  const size = flags.tty ? terminalSize(context.stdout) : undefined;
  const streams = await containers
    .exec(config, { signal, size: size && { width: size.columns, height: size.rows } })
    .catch(failStart);
  const end = await runSession(context, streams, {
    streams: { stdin: flags.interactive, stdout: true, stderr: true },
    terminal: flags.tty,
    detachKeys: flags["detach-keys"],
    resize: async (changed) => await containers.resize(config.container, changed, { execId: streams.id, signal }),
  });
  return end === "detached" ? 0 : await streams.exitCode;
}

function failStart(error: unknown): never {
  throw new StartFailure(error);
}
