// SPDX-License-Identifier: Apache-2.0
// Debian packages that are never installed: fetched once into a cache, and unpacked for their files.

import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { cacheDirectory } from "../cache.ts";

const run = promisify(execFile);

/** Unpacks each package into a folder of its name below the directory. */
export async function unpackPackages(
  names: readonly string[],
  directory: string,
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  const archives = await fetchPackages(names, { signal });
  for (const [index, name] of names.entries()) {
    const target = path.join(directory, name);
    await mkdir(target, { recursive: true });
    await run("dpkg-deb", ["--extract", archives[index] ?? "", target], { signal });
  }
}

/** The packages' files, in order. */
async function fetchPackages(
  names: readonly string[],
  { signal }: { readonly signal: AbortSignal },
): Promise<readonly string[]> {
  const cache = path.join(cacheDirectory(), "debian-packages");
  await mkdir(cache, { recursive: true });
  const missing = await namesWithout(cache, names);
  if (missing.length > 0) await download(missing, cache, { signal });
  const present = await readdir(cache);
  return names.map((name) => {
    const file = fileOf(present, name);
    if (file === undefined) throw new Error(`apt-get downloaded no package ${name}`);
    return path.join(cache, file);
  });
}

async function namesWithout(cache: string, names: readonly string[]): Promise<readonly string[]> {
  const present = await readdir(cache);
  return names.filter((name) => fileOf(present, name) === undefined);
}

/** Names as apt-get gives them: package_version_architecture.deb. */
function fileOf(files: readonly string[], name: string): string | undefined {
  return files.find((file) => file.startsWith(`${name}_`) && file.endsWith(".deb"));
}

/** Into a folder of its own first, for apt-get may be cut off in the middle of a file. */
async function download(
  names: readonly string[],
  cache: string,
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  const fresh = await mkdtemp(path.join(cache, "download-"));
  try {
    // The unprivileged user that apt-get otherwise becomes may not write below root's home.
    const options = ["-qq", "-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=2"];
    const fetch = async () => await run("apt-get", [...options, "download", ...names], { cwd: fresh, signal });
    try {
      await fetch();
    } catch {
      // A bare machine has no package lists, or old ones.
      await run("apt-get", [...options, "update"], { signal });
      await fetch();
    }
    for (const file of await readdir(fresh)) await rename(path.join(fresh, file), path.join(cache, file));
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}
