// SPDX-License-Identifier: Apache-2.0
// Where a command that makes an archive writes it: a file that appears when it is whole, or standard output.

import { open, rename, rm } from "node:fs/promises";
import type { CommandContext } from "./command.ts";
import { CliError } from "./errors.ts";
import { writeTo } from "./process-session.ts";

/** Takes the archive's bytes; refuses a terminal before anything is asked of the daemon. */
export function archiveTarget(
  { stdout }: Pick<CommandContext, "stdout">,
  output: string | undefined,
  verb: "save" | "export",
): (archive: AsyncIterable<Uint8Array>) => Promise<void> {
  if (output !== undefined) return async (archive) => await writeFile(output, archive);
  if (stdout.isTTY) {
    throw new CliError(`cowardly refusing to ${verb} to a terminal. Use the -o flag or redirect`);
  }
  return async (archive) => {
    for await (const chunk of archive) await writeTo(stdout, chunk);
  };
}

/** The file appears when it is whole. */
async function writeFile(path: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  // Devices and pipes cannot be replaced.
  const isSpecial = path.startsWith("/dev/");
  const target = isSpecial ? path : `${path}.berth-${process.pid}`;
  try {
    await using file = await open(target, "w", 0o600);
    for await (const chunk of chunks) await file.writeFile(chunk);
    if (!isSpecial) await rename(target, path);
  } catch (error) {
    if (!isSpecial) await rm(target, { force: true });
    throw error;
  }
}
