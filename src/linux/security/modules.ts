// SPDX-License-Identifier: Apache-2.0
// Which security modules the kernel enforces.

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";

/** Whether AppArmor is on and profiles can be loaded. */
export async function hasApparmor(): Promise<boolean> {
  try {
    const enabled = await readFile("/sys/module/apparmor/parameters/enabled", "utf8");
    return enabled.startsWith("Y") && existsSync("/sys/kernel/security/apparmor");
  } catch {
    return false; // without the file the kernel has no AppArmor
  }
}

/** Whether SELinux is on: its file system is mounted only then. */
export function hasSelinux(): boolean {
  return existsSync("/sys/fs/selinux/enforce");
}
