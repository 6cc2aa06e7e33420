// SPDX-License-Identifier: Apache-2.0

import { readFile } from "node:fs/promises";
import type { Circumstances } from "./expectations.ts";
import type { Runtime } from "./matrix.ts";
import { ensureRuntime, versionOf } from "./tools.ts";

export async function circumstancesOf(runtime: Runtime): Promise<Circumstances> {
  const { binary } = await ensureRuntime(runtime);
  return { runtime, runtimeVersion: await versionOf(binary), hasAppArmor: await hasAppArmor() };
}

async function hasAppArmor(): Promise<boolean> {
  try {
    return (await readFile("/sys/module/apparmor/parameters/enabled", "utf8")).startsWith("Y");
  } catch {
    return false; // a kernel without it
  }
}
