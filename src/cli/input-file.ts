// SPDX-License-Identifier: Apache-2.0

import { open } from "node:fs/promises";
import { CliError } from "./errors.ts";

const chunkBytes = 1024 * 1024;

/** The bytes of a file, or of standard input for "-" and undefined. A file that is not there is found out at once. */
export async function openInput(
  path: string | undefined,
  stdin: NodeJS.ReadStream,
): Promise<AsyncIterable<Uint8Array>> {
  if (path === undefined || path === "-") return stdin as AsyncIterable<Uint8Array>;
  try {
    const file = await open(path);
    return file.createReadStream({ highWaterMark: chunkBytes }) as AsyncIterable<Uint8Array>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new CliError(`open ${path}: no such file or directory`, 1, { cause: error });
  }
}
