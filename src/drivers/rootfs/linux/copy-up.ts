// SPDX-License-Identifier: Apache-2.0
// Filling an empty volume from an image. cp(1) does the copying, from an open directory, in a process of its own.
//
// The copy is made beside the volume's directory as <target>.copying, renamed to <target>.copied when it is whole, and
// its entries are then moved into the volume one by one: the directory itself stays, since others may have it mounted.
// After a crash the first name is thrown away and the second is finished.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync } from "node:fs";
import { chmod, chown, mkdir, readdir, rename, rm, rmdir, stat, utimes } from "node:fs/promises";
import path from "node:path";
import { internal } from "../../../base/errors.ts";
import { openRoot } from "./resolve.ts";

/** See RootFilesystem.copyUp. */
export async function copyUp(
  root: string,
  source: string,
  target: string,
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  const copied = `${target}.copied`;
  if (!existsSync(copied)) {
    if ((await readdir(target)).length > 0) return;
    if (!(await copyAside(root, source, target, signal))) return;
  }
  await moveIn(copied, target);
}

/** Makes <target>.copied; false when the image has no such directory. */
async function copyAside(root: string, source: string, target: string, signal: AbortSignal): Promise<boolean> {
  const copying = `${target}.copying`;
  using opened = openRoot(root);
  const descriptor = opened.find(source, { directory: true });
  if (descriptor === undefined) return false;
  try {
    await rm(copying, { recursive: true, force: true });
    await mkdir(copying, { mode: 0o700 });
    await runCopy(descriptor, copying, signal);
    await rename(copying, `${target}.copied`);
    return true;
  } catch (error) {
    await rm(copying, { recursive: true, force: true });
    throw error;
  } finally {
    closeSync(descriptor);
  }
}

/** cp never follows a symlink below its argument with -a, and the argument is the directory that was opened. */
async function runCopy(source: number, target: string, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const child = spawn("cp", ["-a", "--", "/proc/self/fd/3/.", target], {
    stdio: ["ignore", "ignore", "pipe", source],
    signal,
    killSignal: "SIGKILL",
  });
  let complaint = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    complaint = (complaint + text).slice(0, 1000);
  });
  const [code] = (await once(child, "close")) as [number | null];
  signal.throwIfAborted();
  if (code !== 0) throw internal(`cp failed: ${complaint.trim()}`);
}

async function moveIn(copied: string, target: string): Promise<void> {
  const { uid, gid, mode, atime, mtime } = await stat(copied); // before moving, which changes its times
  for (const name of await readdir(copied)) await rename(path.join(copied, name), path.join(target, name));
  await chown(target, uid, gid);
  await chmod(target, mode & 0o7777);
  await utimes(target, atime, mtime);
  await rmdir(copied);
}
