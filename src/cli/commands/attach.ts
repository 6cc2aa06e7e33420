// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { detachKeysFlag, sigProxyFlag } from "../container-flags.ts";
import { CliError } from "../errors.ts";
import { toggle } from "../flags.ts";
import { checkTerminal, proxySignals, runSession } from "../process-session.ts";

export const command = defineCommand({
  usage: "attach [OPTIONS] CONTAINER",
  description: "Attach local standard input, output, and error streams to a running container",
  flags: {
    "no-stdin": toggle("Do not attach STDIN"),
    "detach-keys": detachKeysFlag,
    "sig-proxy": sigProxyFlag,
  },
  arguments: { minimum: 1, maximum: 1 },
  async run({ flags, args: [container = ""] }, context) {
    const { containers } = context.client();
    const { signal } = context;
    const { id, config, state } = await containers.inspect(container, { signal });
    if (state?.status === "paused") {
      throw new CliError("You cannot attach to a paused container, unpause it first");
    }
    if (state?.status !== "running") throw new CliError("You cannot attach to a stopped container, start it first");
    const terminal = config?.terminal ?? false;
    const stdin = !flags["no-stdin"] && (config?.openStdin ?? false);
    checkTerminal(context, { stdin, tty: terminal });
    using scope = new DisposableStack();
    if (flags["sig-proxy"] && !terminal) scope.use(proxySignals(context, id));
    const [attached, wait] = await Promise.all([
      containers.attach(id, { stdin, signal }),
      containers.wait(id, { signal }),
    ]);
    // A program redraws its screen only when the size changes: make it change.
    const { rows, columns } = context.stdout;
    if (terminal && context.stdout.isTTY) await containers.resize(id, { width: columns, height: rows + 1 }, { signal });
    const end = await runSession(context, attached, {
      streams: { stdin, stdout: true, stderr: true },
      terminal,
      detachKeys: flags["detach-keys"],
      resize: async (size) => await containers.resize(id, size, { signal }),
    });
    return end === "detached" ? 0 : (await wait.exit).exitCode;
  },
});
