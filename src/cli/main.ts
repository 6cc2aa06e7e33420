// SPDX-License-Identifier: Apache-2.0
// The berth command's program.

import process from "node:process";
import { signalExit } from "./format/exit-codes.ts";
import { Interruption } from "./interruption.ts";
import { runProgram } from "./program.ts";

const sigpipe = 13;

for (const output of [process.stdout, process.stderr]) {
  output.on("error", (error: NodeJS.ErrnoException) => {
    // Whoever read has left (berth logs x | head): programs end quietly then.
    if (error.code === "EPIPE") process.exit(signalExit(sigpipe));
    throw error;
  });
}

/** Not at the top level, because the bundle is CommonJS: it starts twice as fast as a module that imports node:http. */
async function main(): Promise<void> {
  const { stdin, stdout, stderr, env: environment } = process;
  const exitCode = await runProgram(process.argv.slice(2), { stdin, stdout, stderr, environment }, new Interruption());
  await new Promise<void>((resolve) => {
    stdout.write("", () => resolve());
  });
  // Standard input that nobody reads any more would keep the process.
  process.exit(exitCode);
}

void main();
