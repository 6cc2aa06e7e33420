// SPDX-License-Identifier: Apache-2.0

import { open, rename, rm } from "node:fs/promises";
import { defineCommand } from "../command.ts";
import { CliError } from "../errors.ts";
import { text } from "../flags.ts";
import { writeTo } from "../process-session.ts";

export const command = defineCommand({
  usage: "save [OPTIONS] IMAGE [IMAGE...]",
  description: "Save one or more images to a tar archive (streamed to STDOUT by default)",
  flags: { output: text("Write to a file, instead of STDOUT", { short: "o" }) },
  arguments: { minimum: 1 },
  async run({ flags: { output }, args }, context) {
    if (output === undefined && context.stdout.isTTY) {
      throw new CliError("cowardly refusing to save to a terminal. Use the -o flag or redirect");
    }
    const archive = context.client().images.save(args, { signal: context.signal });
    if (output === undefined) for await (const chunk of archive) await writeTo(context.stdout, chunk);
    else await writeFile(output, archive);
    return 0;
  },
});

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
