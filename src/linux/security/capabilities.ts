// SPDX-License-Identifier: Apache-2.0
// Capabilities by name and number (capabilities(7), linux/capability.h).

import { readFile } from "node:fs/promises";

/** The names in the order of their numbers. */
export const capabilityNames: readonly string[] = [
  "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
  "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER", "SYS_MODULE",
  "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME",
  "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG",
  "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF", "CHECKPOINT_RESTORE",
].map((name) => `CAP_${name}`); // biome-ignore format: a table

/** The number of "CAP_CHOWN", or undefined. */
export function capabilityNumber(name: string): number | undefined {
  const number = capabilityNames.indexOf(name);
  return number < 0 ? undefined : number;
}

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
