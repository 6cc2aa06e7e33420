// SPDX-License-Identifier: Apache-2.0

import { DockerConfig, defaultDockerConfigPath } from "@berth/sdk";
import { type CommandContext, defineCommand } from "../command.ts";
import { CliError } from "../errors.ts";
import { type FlagValues, text, toggle } from "../flags.ts";
import { ask, readAll } from "../prompt.ts";

const loginFlags = {
  password: text("Password", { short: "p" }),
  "password-stdin": toggle("Take the password from stdin"),
  username: text("Username", { short: "u" }),
};

export const command = defineCommand({
  usage: "login [OPTIONS] [SERVER]",
  description: "Authenticate to a registry; without a server it is Docker Hub",
  flags: loginFlags,
  arguments: { minimum: 0, maximum: 1 },
  async run({ flags, args: [server = "docker.io"] }, context) {
    const registry = server.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
    const { username, password } = await readCredentials(context, flags);
    const identityToken = await context
      .client()
      .images.checkCredentials(registry, { username, password }, { signal: context.signal });
    const config = new DockerConfig();
    await config.store(registry, identityToken === "" ? { username, password } : { username, identityToken });
    if (!(await config.usesHelper(registry))) {
      context.stderr.write(
        `WARNING! Your credentials are stored unencrypted in '${defaultDockerConfigPath()}'.\nName a credential helper there as "credsStore" to have them kept safely.\n`,
      );
    }
    context.stdout.write("Login Succeeded\n");
    return 0;
  },
});

interface Credentials {
  readonly username: string;
  readonly password: string;
}

async function readCredentials(context: CommandContext, flags: FlagValues<typeof loginFlags>): Promise<Credentials> {
  const { username, password } = flags;
  if (flags["password-stdin"]) {
    if (password !== undefined) throw new CliError("--password and --password-stdin are mutually exclusive");
    if (username === undefined || username === "") throw new CliError("Must provide --username with --password-stdin");
    return { username, password: await readAll(context.stdin) };
  }
  if (password !== undefined) {
    context.stderr.write("WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n");
  }
  if ((username === undefined || password === undefined) && !context.stdin.isTTY) {
    throw new CliError("Error: Cannot perform an interactive login from a non TTY device");
  }
  const name = (username ?? (await ask(context, "Username: ", { hidden: false }))).trim();
  if (name === "") throw new CliError("Error: Non-null Username Required");
  const secret = password ?? (await ask(context, "Password: ", { hidden: true }));
  if (secret === "") throw new CliError("Error: Password Required");
  return { username: name, password: secret };
}
