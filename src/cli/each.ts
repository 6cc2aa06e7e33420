// SPDX-License-Identifier: Apache-2.0

import type { CommandContext } from "./command.ts";
import { failureText } from "./failure.ts";

/**
 * Does something for each of several objects: what it returns is printed, a failure goes to stderr and does not keep
 * the others from their turn. The exit code is 1 when one failed.
 */
export async function forEach(
  context: CommandContext,
  names: readonly string[],
  act: (name: string) => Promise<string | undefined>,
): Promise<number> {
  let exitCode = 0;
  for (const name of names) {
    try {
      const line = await act(name);
      if (line !== undefined) context.stdout.write(`${line}\n`);
    } catch (error) {
      if (context.signal.aborted) throw error;
      context.stderr.write(`${failureText(error)}\n`);
      exitCode = 1;
    }
  }
  return exitCode;
}
