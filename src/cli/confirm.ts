// SPDX-License-Identifier: Apache-2.0
// Commands that take things away ask first.

import { createInterface } from "node:readline";
import type { CommandContext } from "./command.ts";
import { CliError } from "./errors.ts";

/** Shows the warning and reads an answer; exit code 1 unless it is "y". */
export async function confirm(
  { stdin, stdout, signal }: CommandContext,
  command: string,
  warning: string,
): Promise<void> {
  stdout.write(`WARNING! ${warning}\nAre you sure you want to continue? [y/N] `);
  const lines = createInterface({ input: stdin, signal });
  try {
    for await (const line of lines) {
      if (line.trim().toLowerCase() === "y") return;
      break;
    }
  } finally {
    lines.close();
  }
  stdout.write("\n");
  signal.throwIfAborted();
  throw new CliError(`${command} has been cancelled`);
}
