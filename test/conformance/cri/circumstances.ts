// SPDX-License-Identifier: Apache-2.0

import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import type { Circumstances } from "./expectations.ts";
import type { Runtime } from "./matrix.ts";
import { ensureRuntime } from "./tools.ts";

/** The part that matters of what "features" prints (runtime-spec, features.md). */
interface Features {
  readonly linux?: { readonly mountExtensions?: { readonly idmap?: { readonly enabled?: boolean } } };
}

export async function circumstancesOf(runtime: Runtime): Promise<Circumstances> {
  const { binary } = await ensureRuntime(runtime);
  const features = await featuresOf(binary);
  const { stdout } = await promisify(execFile)(binary, ["--version"]);
  return {
    runtime,
    runtimeVersion: stdout.split("\n")[0] ?? "",
    hasAppArmor: await hasAppArmor(),
    idMappedMounts: features.linux?.mountExtensions?.idmap?.enabled === true,
  };
}

async function featuresOf(binary: string): Promise<Features> {
  try {
    const { stdout } = await promisify(execFile)(binary, ["features"]);
    return JSON.parse(stdout) as Features;
  } catch {
    return {}; // an old one
  }
}

async function hasAppArmor(): Promise<boolean> {
  try {
    return (await readFile("/sys/module/apparmor/parameters/enabled", "utf8")).startsWith("Y");
  } catch {
    return false; // a kernel without it
  }
}
