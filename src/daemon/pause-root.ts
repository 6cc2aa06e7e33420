// SPDX-License-Identifier: Apache-2.0
// The root filesystem of the processes that wait for pods: /pause, and directories for what a runtime mounts.

import { chmod, copyFile, mkdir, rename } from "node:fs/promises";
import path from "node:path";
import { toEngineError } from "../base/errors.ts";
import { pausePath } from "./program-files.ts";

/** The directory. Processes that run from an earlier daemon's file keep that one. */
export async function preparePauseRoot(stateDirectory: string): Promise<string> {
  const root = path.join(stateDirectory, "pause");
  try {
    for (const name of ["proc", "dev"]) await mkdir(path.join(root, name), { recursive: true, mode: 0o755 });
    const fresh = path.join(root, ".pause.new");
    await copyFile(pausePath, fresh);
    await chmod(fresh, 0o755);
    await rename(fresh, path.join(root, "pause"));
  } catch (error) {
    throw toEngineError(error, `prepare ${root}: native/pause may not have been built (make setup)`);
  }
  return root;
}
