// SPDX-License-Identifier: Apache-2.0
// Reads what a Linux machine says about itself.

import { readFile } from "node:fs/promises";
import { arch, availableParallelism, hostname, release, totalmem } from "node:os";
import { toEngineError } from "../../../base/errors.ts";
import type { HostFacts } from "../../../core/host/host-facts.ts";
import { ifThere } from "../../../host/files/errno.ts";
import { ownCgroupPath, readCgroupLayout } from "../../../linux/cgroup/layout.ts";
import { hasSwapAccounting } from "../../../linux/cgroup/swap-accounting.ts";
import { lowestOomScoreAdjustment, readResourceLimits } from "../../../linux/process/limits.ts";
import { readProcessSecurity } from "../../../linux/security/capabilities.ts";
import { hasApparmor, hasSelinux } from "../../../linux/security/modules.ts";
import { reachableNameservers } from "./nameservers.ts";

/** How images name the architectures that Node names otherwise. */
const architectures: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386" };

/** Reads the facts; they hold until the daemon ends. */
export async function readHostFacts(): Promise<HostFacts> {
  try {
    const [layout, security, rlimits, apparmor] = await Promise.all([
      readCgroupLayout(),
      readProcessSecurity(),
      readResourceLimits(),
      hasApparmor(),
    ]);
    const swapLimit = await hasSwapAccounting(layout);
    const raiseRlimits = security.effective.includes("CAP_SYS_RESOURCE");
    return {
      architecture: architectures[arch()] ?? arch(),
      kernelVersion: release(),
      operatingSystem: parsePrettyName(await readFirst("/etc/os-release", "/usr/lib/os-release")),
      hostname: hostname(),
      bootId: (await readFirst("/proc/sys/kernel/random/boot_id")).trim(),
      cpus: availableParallelism(),
      memoryBytes: totalmem(),
      cgroup: {
        version: layout.version,
        hybrid: layout.hybrid,
        controllers: layout.controllers,
        ownPath: ownCgroupPath(layout),
        ...(swapLimit !== undefined && { swapLimit }),
      },
      capabilities: security.bounding.filter((name) => security.permitted.includes(name)),
      rlimits,
      raiseRlimits,
      oomScoreAdjMinimum: await lowestOomScoreAdjustment(raiseRlimits),
      seccomp: security.seccomp,
      apparmor,
      selinux: hasSelinux(),
      userNamespaces: Number(await readFirst("/proc/sys/user/max_user_namespaces")) > 0,
      defaultNameservers: reachableNameservers(
        await readFirst("/etc/resolv.conf"),
        await readFirst("/run/systemd/resolve/resolv.conf"),
      ),
    };
  } catch (error) {
    throw toEngineError(error, "cannot read what this machine is");
  }
}

/** The text of the first file that is there; empty without any. */
async function readFirst(...files: readonly string[]): Promise<string> {
  for (const file of files) {
    const text = await ifThere(readFile(file, "utf8"));
    if (text !== undefined) return text;
  }
  return "";
}

/** PRETTY_NAME of os-release(5), which shells could read: it may be quoted. */
export function parsePrettyName(text: string): string {
  const value = /^PRETTY_NAME=(.*)$/m.exec(text)?.[1]?.trim() ?? "";
  const bare = /^(["']).*\1$/.test(value) ? value.slice(1, -1).replace(/\\(.)/g, "$1") : value;
  return bare === "" ? "Linux" : bare;
}
