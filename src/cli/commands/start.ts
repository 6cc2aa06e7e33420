// SPDX-License-Identifier: Apache-2.0

import { type CommandContext, defineCommand } from "../command.ts";
import { detachKeysFlag, sigProxyFlag } from "../container-flags.ts";
import { forEach } from "../each.ts";
import { CliError, StartFailure } from "../errors.ts";
import { type FlagValues, toggle } from "../flags.ts";
import { checkTerminal, proxySignals, runSession } from "../process-session.ts";

const startFlags = {
  attach: toggle("Attach STDOUT/STDERR and forward signals", { short: "a" }),
  interactive: toggle("Attach container's STDIN", { short: "i" }),
  "detach-keys": detachKeysFlag,
  "sig-proxy": sigProxyFlag,
};

export const command = defineCommand({
  usage: "start [OPTIONS] CONTAINER [CONTAINER...]",
  description: "Start one or more stopped containers",
  flags: startFlags,
  arguments: { minimum: 1 },
  async run({ flags, args }, context) {
    if (flags.attach || flags.interactive) {
      const [container = "", ...more] = args;
      if (more.length > 0) throw new CliError("you cannot start and attach multiple containers at once");
      return await startAttached(context, flags, container);
    }
    const failed: string[] = [];
    const exitCode = await forEach(context, args, async (name) => {
      failed.push(name);
      await context.client().containers.start(name, { signal: context.signal });
      failed.pop();
      return name;
    });
    if (failed.length > 0) context.stderr.write(`Error: failed to start containers: ${failed.join(", ")}\n`);
    return exitCode;
  },
});

async function startAttached(
  context: CommandContext,
  flags: FlagValues<typeof startFlags>,
  container: string,
): Promise<number> {
  const { containers } = context.client();
  const { signal } = context;
  const { id, config } = await containers.inspect(container, { signal });
  const terminal = config?.terminal ?? false;
  const stdin = flags.interactive && (config?.openStdin ?? false);
  checkTerminal(context, { stdin, tty: terminal });
  using scope = new DisposableStack();
  if (flags["sig-proxy"] && !terminal) scope.use(proxySignals(context, id));
  const [attached, wait] = await Promise.all([
    containers.attach(id, { stdin, signal }),
    containers.wait(id, { condition: config?.autoRemove === true ? "removed" : "next-exit", signal }),
  ]);
  const { alreadyRunning } = await containers.start(id, { signal }).catch((error: unknown) => {
    throw new StartFailure(error);
  });
  if (alreadyRunning) context.stderr.write(`${container} was running already\n`);
  const end = await runSession(context, attached, {
    streams: { stdin, stdout: true, stderr: true },
    terminal,
    detachKeys: flags["detach-keys"],
    resize: async (size) => await containers.resize(id, size, { signal }),
  });
  return end === "detached" ? 0 : (await wait.exit).exitCode;
}
