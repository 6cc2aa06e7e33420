// SPDX-License-Identifier: Apache-2.0

import type { AttachedStreams, ContainerWait } from "@berth/sdk";
import { type CommandContext, defineCommand } from "../command.ts";
import { containerFlags, detachKeysFlag, sigProxyFlag } from "../container-flags.ts";
import { attachedStreams, type ContainerFlagValues, toContainerOptions } from "../container-options.ts";
import { createContainer } from "../create-container.ts";
import { StartFailure, UsageError } from "../errors.ts";
import { type FlagValues, toggle } from "../flags.ts";
import { checkTerminal, proxySignals, runSession } from "../process-session.ts";

const runFlags = {
  ...containerFlags,
  detach: toggle("Run container in background and print container ID", { short: "d" }),
  "detach-keys": detachKeysFlag,
  "sig-proxy": sigProxyFlag,
};

type RunFlags = FlagValues<typeof runFlags>;

export const command = defineCommand({
  usage: "run [OPTIONS] IMAGE [COMMAND] [ARG...]",
  description: "Create and run a new container from an image",
  flags: runFlags,
  arguments: { minimum: 1 },
  flagsFirst: true,
  failures: "run",
  async run({ flags, args }, context) {
    const options = toContainerOptions(flags, args, context.environment);
    if (!flags.detach) return await runAttached(context, flags, options);
    if (flags.attach.length > 0) throw new UsageError("Conflicting options: -a and -d");
    const id = await createContainer(context, flags, { ...options, stdinOnce: false });
    await startOrRemove(context, flags, id);
    context.stdout.write(`${id}\n`);
    return 0;
  },
});

async function runAttached(
  context: CommandContext,
  flags: RunFlags,
  options: ReturnType<typeof toContainerOptions>,
): Promise<number> {
  const streams = attachedStreams(flags);
  checkTerminal(context, { stdin: streams.stdin, tty: flags.tty });
  const id = await createContainer(context, flags, options);
  using scope = new DisposableStack();
  if (flags["sig-proxy"]) scope.use(proxySignals(context, id));
  const { attached, wait } = await prepare(context, flags, id);
  await startOrRemove(context, flags, id);
  const end = await runSession(context, attached, {
    streams,
    terminal: flags.tty,
    detachKeys: flags["detach-keys"],
    resize: async (size) => await context.client().containers.resize(id, size, { signal: context.signal }),
  });
  if (end === "detached") return 0;
  return (await wait.exit).exitCode;
}

/** Both are there before the start, so that nothing is missed. */
async function prepare(
  context: CommandContext,
  flags: RunFlags,
  id: string,
): Promise<{ readonly attached: AttachedStreams; readonly wait: ContainerWait }> {
  const { containers } = context.client();
  const { signal } = context;
  try {
    const [attached, wait] = await Promise.all([
      containers.attach(id, { stdin: attachedStreams(flags).stdin, signal }),
      containers.wait(id, { condition: flags.rm ? "removed" : "next-exit", signal }),
    ]);
    return { attached, wait };
  } catch (error) {
    await removeFailed(context, flags, id);
    throw error;
  }
}

async function startOrRemove(context: CommandContext, flags: ContainerFlagValues, id: string): Promise<void> {
  try {
    await context.client().containers.start(id, { signal: context.signal });
  } catch (error) {
    await removeFailed(context, flags, id);
    throw new StartFailure(error);
  }
}

/** With --rm nothing stays of a container that could not be started. */
async function removeFailed(context: CommandContext, flags: ContainerFlagValues, id: string): Promise<void> {
  if (!flags.rm) return;
  await context
    .client()
    .containers.remove(id, { force: true, volumes: true })
    .catch(() => {
      // It is gone already, or the daemon is: what went wrong before is what the user must see.
    });
}
