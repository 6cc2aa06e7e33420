// SPDX-License-Identifier: Apache-2.0
// The daemon's program: berthd. Options are few; everything else is in the configuration.

import { parseArgs } from "node:util";
import { messageOf } from "../base/errors.ts";
import { version } from "../base/version.ts";
import { defaultConfigText } from "./config.ts";
import { loadConfig } from "./config-file.ts";
import { armFailpoints } from "./failpoints.ts";
import { runDaemon } from "./run-daemon.ts";

const usage = `Usage: berth daemon [OPTIONS]
       berth config default

Options:
      --config FILE   Configuration (default: /etc/berth/berth.toml, when it is there)
      --root DIR      Kept over reboots (default: /var/lib/berth)
      --state DIR     Gone at reboot (default: /run/berth)
  -H, --host ADDRESS  Socket of the engine API (default: unix://STATE/berth.sock)
      --log-level L   debug, info, warn or error
      --version       Print the version
`;

const options = {
  config: { type: "string" },
  root: { type: "string" },
  state: { type: "string" },
  host: { type: "string", short: "H" },
  "log-level": { type: "string" },
  version: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

async function main(): Promise<number> {
  const parsed = parse(process.argv.slice(2));
  if (typeof parsed === "string") {
    process.stderr.write(`berth daemon: ${parsed}\n\n${usage}`);
    return 125;
  }
  const { values, positionals } = parsed;
  if (values.help === true) return print(usage);
  if (values.version === true) return print(`berth ${version}\n`);
  if (positionals.join(" ") === "config default") return print(defaultConfigText);
  if (positionals.length > 0) {
    process.stderr.write(`berth daemon: unknown argument: ${positionals[0]}\n\n${usage}`);
    return 125;
  }
  try {
    armFailpoints(process.env["BERTH_FAILPOINTS"] ?? "");
    const config = await loadConfig(values.config, {
      ...(values.root !== undefined && { root: values.root }),
      ...(values.state !== undefined && { state: values.state }),
      ...(values.host !== undefined && { socket: values.host.replace(/^unix:\/\//, "") }),
    });
    await runDaemon(values["log-level"] === undefined ? config : withLevel(config, values["log-level"]));
    return 0;
  } catch (error) {
    process.stderr.write(`berth daemon: ${messageOf(error)}\n`);
    return 1;
  }
}

type Parsed = ReturnType<typeof parseArgs<{ options: typeof options; allowPositionals: true }>>;

/** The parsed arguments, or what is wrong with them. */
function parse(args: string[]): Parsed | string {
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    return messageOf(error);
  }
}

function withLevel(config: Awaited<ReturnType<typeof loadConfig>>, level: string): typeof config {
  if (level !== "debug" && level !== "info" && level !== "warn" && level !== "error") {
    throw new Error(`invalid log level ${level}: use debug, info, warn or error`);
  }
  return { ...config, log: { level } };
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}

process.exitCode = await main();
