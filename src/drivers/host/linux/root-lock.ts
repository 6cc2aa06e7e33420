// SPDX-License-Identifier: Apache-2.0
// One daemon a root directory. The lock is flock(2)'s on <root>/daemon.lock: the kernel drops it with the process, however
// that ends, so nothing is ever left locked. The file's text, the holder's pid, is only for the message.

import { mkdir, open, readFile } from "node:fs/promises";
import path from "node:path";
import { failedPrecondition, isEngineError, toEngineError } from "../../../base/errors.ts";
import { tryLock } from "../../../linux/ffi/lock.ts";

/** Takes the directory, which is created, for this process; dispose the result to give it back. */
export async function lockRoot(directory: string): Promise<AsyncDisposable> {
  const file = path.join(directory, "daemon.lock");
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await using stack = new AsyncDisposableStack();
    const handle = stack.use(await open(file, "a+", 0o600));
    if (!tryLock(handle.fd)) throw failedPrecondition(await describeHolder(file, directory));
    await handle.truncate(0);
    await handle.write(`${process.pid}\n`);
    return stack.move();
  } catch (error) {
    throw isEngineError(error) ? error : toEngineError(error, `cannot lock ${directory}`);
  }
}

async function describeHolder(file: string, directory: string): Promise<string> {
  const pid = (await readFile(file, "utf8")).trim();
  return `another berth daemon${pid === "" ? "" : ` (pid ${pid})`} uses ${directory}; stop it or choose another --root`;
}
