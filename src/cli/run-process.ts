// SPDX-License-Identifier: Apache-2.0

import { signalExit } from "./format/exit-codes.ts";
import { Interruption } from "./interruption.ts";
import { runProgram } from "./program.ts";

const sigpipe = 13;

/** Runs the command line of this process to its end. */
export async function runProcess(): Promise<void> {
  const { stdin, stdout, stderr, env: environment } = process;
  for (const output of [stdout, stderr]) {
    output.on("error", (error: NodeJS.ErrnoException) => {
      // Whoever read has left (berth logs x | head): programs end quietly then.
      if (error.code === "EPIPE") process.exit(signalExit(sigpipe));
      throw error;
    });
  }
  const exitCode = await runProgram(process.argv.slice(2), { stdin, stdout, stderr, environment }, new Interruption());
  await new Promise<void>((resolve) => {
    stdout.write("", () => resolve());
  });
  // Standard input that nobody reads any more would keep the process.
  process.exit(exitCode);
}
