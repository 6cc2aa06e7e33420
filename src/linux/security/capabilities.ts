// SPDX-License-Identifier: Apache-2.0
// The capabilities of this process (capabilities(7)).

import { readFile } from "node:fs/promises";
import { capabilityNames } from "../../base/capabilities.ts";

/** The names of a mask as /proc/<pid>/status writes it; bits without a name are left out. */
export function capabilitiesOfMask(hexadecimal: string): readonly string[] {
  const mask = BigInt(`0x${hexadecimal}`);
  return capabilityNames.filter((_, number) => (mask & (1n << BigInt(number))) !== 0n);
}

/** What this process may do and give away. */
export interface ProcessSecurity {
  readonly effective: readonly string[];
  readonly permitted: readonly string[];
  readonly bounding: readonly string[];
  readonly noNewPrivileges: boolean;
  /** Whether the kernel was built with system call filters. */
  readonly seccomp: boolean;
}

/** Reads /proc/self/status. */
export async function readProcessSecurity(): Promise<ProcessSecurity> {
  return parseProcessSecurity(await readFile("/proc/self/status", "utf8"));
}

export function parseProcessSecurity(status: string): ProcessSecurity {
  const field = (name: string) => new RegExp(`^${name}:\\s*(\\S+)$`, "m").exec(status)?.[1];
  const capabilities = (name: string) => capabilitiesOfMask(field(name) ?? "0");
  return {
    effective: capabilities("CapEff"),
    permitted: capabilities("CapPrm"),
    bounding: capabilities("CapBnd"),
    noNewPrivileges: field("NoNewPrivs") === "1",
    seccomp: field("Seccomp") !== undefined,
  };
}
