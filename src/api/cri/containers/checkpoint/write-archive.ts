// SPDX-License-Identifier: Apache-2.0
// The archive of a checkpoint: a tar of a directory of ours, root's and private whatever the files are.

import { type FileHandle, lstat, open, readdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { internal, toEngineError } from "../../../../base/errors.ts";
import { newId } from "../../../../base/ids.ts";
import { syncDirectory } from "../../../../host/files/durable.ts";
import { type NewTarEntry, tarEnd, tarHeader, tarPadding } from "../../../../oci/archive/tar-writer.ts";

const bufferSize = 1 << 20;

/** Writes all of the directory into the file, mode 0600, which is there as a whole or not at all. */
export async function writeArchive(
  directory: string,
  location: string,
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  const temporary = path.join(path.dirname(location), `.${path.basename(location)}.${newId().slice(0, 12)}`);
  try {
    await using output = await open(temporary, "wx", 0o600);
    for (const name of await namesBelow(directory)) {
      signal.throwIfAborted();
      await writeEntry(output, directory, name, signal);
    }
    await output.writeFile(tarEnd());
    await output.sync();
    await rename(temporary, location);
  } catch (error) {
    await rm(temporary, { force: true });
    signal.throwIfAborted();
    throw toEngineError(error, `write the checkpoint ${location}`);
  }
  await syncDirectory(path.dirname(location));
}

/** Directories before what is in them. */
async function namesBelow(directory: string): Promise<readonly string[]> {
  return (await readdir(directory, { recursive: true })).sort();
}

async function writeEntry(output: FileHandle, directory: string, name: string, signal: AbortSignal): Promise<void> {
  const file = path.join(directory, name);
  const stats = await lstat(file);
  const entry = { path: Buffer.from(name).toString("latin1"), mtimeSeconds: Math.floor(stats.mtimeMs / 1000) };
  if (stats.isDirectory()) {
    await output.writeFile(tarHeader({ ...entry, path: `${entry.path}/`, kind: "directory", mode: 0o700 }));
    return;
  }
  // criu makes sockets and links of its own at times; they mean nothing elsewhere.
  if (stats.isFile())
    await writeFileEntry(output, file, { ...entry, kind: "file", mode: 0o600, size: stats.size }, signal);
}

async function writeFileEntry(
  output: FileHandle,
  file: string,
  entry: NewTarEntry & { readonly size: number },
  signal: AbortSignal,
): Promise<void> {
  await output.writeFile(tarHeader(entry));
  await using input = await open(file);
  const buffer = Buffer.allocUnsafe(Math.min(bufferSize, Math.max(1, entry.size)));
  for (let left = entry.size; left > 0; ) {
    signal.throwIfAborted();
    const { bytesRead } = await input.read(buffer, 0, Math.min(left, buffer.length));
    if (bytesRead === 0) throw internal(`${file} shrank while it was being read`);
    await output.writeFile(buffer.subarray(0, bytesRead));
    left -= bytesRead;
  }
  await output.writeFile(tarPadding(entry.size));
}
