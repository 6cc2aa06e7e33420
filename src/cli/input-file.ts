// SPDX-License-Identifier: Apache-2.0

import { createReadStream } from "node:fs";
import { CliError } from "./errors.ts";

/** The bytes of a file, or of standard input for "-" and undefined. */
export async function* readInput(
  path: string | undefined,
  stdin: NodeJS.ReadStream,
): AsyncGenerator<Uint8Array, void, undefined> {
  const source = path === undefined || path === "-" ? stdin : createReadStream(path, { highWaterMark: 1024 * 1024 });
  try {
    for await (const chunk of source) yield chunk as Uint8Array;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new CliError(`open ${path}: no such file or directory`, 1, { cause: error });
  }
}
