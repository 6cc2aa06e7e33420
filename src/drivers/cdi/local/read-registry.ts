// SPDX-License-Identifier: Apache-2.0

import { constants } from "node:fs";
import { open, readdir } from "node:fs/promises";
import path from "node:path";
import { invalidArgument, messageOf, toEngineError } from "../../../base/errors.ts";
import { ifThere } from "../../../host/files/errno.ts";
import { parseCdiDocument } from "../../../oci/cdi/parse-document.ts";
import { type CdiFile, CdiRegistry } from "../../../oci/cdi/registry.ts";

/** Larger files are none. */
const maximumBytes = 16 * 1024 * 1024;

/** All devices there are now. A file that makes no sense takes nobody's device but its own. */
export async function readRegistry(directories: readonly string[]): Promise<CdiRegistry> {
  const files: CdiFile[] = [];
  const problems: string[] = [];
  for (const [priority, directory] of directories.entries()) {
    for (const name of await listFiles(directory)) {
      const file = path.join(directory, name);
      try {
        const text = await ifThere(readText(file));
        if (text !== undefined) files.push({ path: file, priority, document: parseCdiDocument(text) });
      } catch (error) {
        problems.push(`cannot read ${file}: ${messageOf(error)}`);
      }
    }
  }
  return new CdiRegistry(files, problems);
}

async function listFiles(directory: string): Promise<readonly string[]> {
  try {
    const entries = (await ifThere(readdir(directory, { withFileTypes: true }))) ?? [];
    return entries
      .filter((entry) => !entry.isDirectory() && /\.(json|yaml)$/.test(entry.name))
      .map(({ name }) => name)
      .toSorted();
  } catch (error) {
    throw toEngineError(error, `cannot read the CDI specifications in ${directory}`);
  }
}

async function readText(file: string): Promise<string> {
  // Without blocking: a pipe would keep us waiting.
  await using handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  const stat = await handle.stat();
  if (!stat.isFile() || stat.size > maximumBytes) throw invalidArgument("it is no file of a specification's size");
  return await handle.readFile("utf8");
}
