// SPDX-License-Identifier: Apache-2.0
// The daemon's program, started as a child with our Node: it is none of the command's business what it does.

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import path from "node:path";
import type { CommandContext } from "./command.ts";
import { CliError } from "./errors.ts";
import { signalExit } from "./format/exit-codes.ts";
import { onProxiedSignal } from "./terminal/signals.ts";

/** Its exit code; signals that reach us go on to it. */
export async function runDaemonProgram(context: CommandContext, args: readonly string[]): Promise<number> {
  using _signals = context.takeSignals();
  // Not our own options: the snapshot that we start from is none of the daemon's.
  const options = ["--disable-warning=ExperimentalWarning"];
  const child = spawn(process.execPath, [...options, programPath(), ...args], { stdio: "inherit" });
  using _proxy = onProxiedSignal((name) => {
    child.kill(name);
  });
  return await exitCodeOf(child);
}

/** Beside the bundle, or in the sources that we run from. */
function programPath(): string {
  const here = import.meta.dirname;
  const bundled = path.join(here, "daemon.mjs");
  if (existsSync(bundled)) return bundled;
  const source = path.join(here, "../daemon/main.ts");
  if (existsSync(source)) return source;
  throw new CliError(`the daemon's program is not there: ${bundled}`, 125);
}

async function exitCodeOf(child: ChildProcess): Promise<number> {
  return await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, name) => resolve(code ?? signalExit(name === null ? 0 : constants.signals[name])));
  });
}
