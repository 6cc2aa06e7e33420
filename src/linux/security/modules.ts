// SPDX-License-Identifier: Apache-2.0
// Which security modules the kernel enforces.

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { ifThere } from "../../host/files/errno.ts";

/** Whether AppArmor is on and profiles can be loaded. */
export async function hasApparmor(): Promise<boolean> {
  try {
    const enabled = await readFile("/sys/module/apparmor/parameters/enabled", "utf8");
    return enabled.startsWith("Y") && existsSync("/sys/kernel/security/apparmor");
  } catch {
    return false; // without the file the kernel has no AppArmor
  }
}

/** The names of the profiles that are loaded, whatever their modes. */
export async function readApparmorProfiles(
  file = "/sys/kernel/security/apparmor/profiles",
): Promise<ReadonlySet<string>> {
  const text = (await ifThere(readFile(file, "utf8"))) ?? "";
  return new Set(Array.from(text.matchAll(/^(.+) \(\w+\)$/gm), ([, name = ""]) => name));
}

/** Whether SELinux is on: its file system is mounted only then. */
export function hasSelinux(): boolean {
  return existsSync("/sys/fs/selinux/enforce");
}
