// SPDX-License-Identifier: Apache-2.0
// Changes of files that a power cut either leaves out or leaves whole.

import { open, rename, rm } from "node:fs/promises";
import path from "node:path";

/** Makes what was created, renamed or removed in the directory durable. */
export async function syncDirectory(directory: string): Promise<void> {
  await using handle = await open(directory);
  await handle.sync();
}

/**
 * Writes or replaces a file as a whole: temporary file, fsync, rename, fsync of the directory. A crash may leave the
 * temporary file, .NAME.new, which the next write takes over. One writer at a time.
 */
export async function writeDurably(file: string, text: string, mode: number): Promise<void> {
  const directory = path.dirname(file);
  const temporary = path.join(directory, `.${path.basename(file)}.new`);
  try {
    await using handle = await open(temporary, "w", mode);
    await handle.chmod(mode);
    await handle.writeFile(text);
    await handle.sync();
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncDirectory(directory);
}
