// SPDX-License-Identifier: Apache-2.0
// Which sysctls belong to a namespace. Only those may be set for a sandbox; any other would change the whole machine.

import { type EngineError, invalidArgument, toEngineError } from "../../base/errors.ts";

export type NamespaceKind = "network" | "ipc" | "uts";

export interface NamespacedSysctl {
  /** As it was asked for. */
  readonly name: string;
  /** Below /proc/sys: "net/ipv4/ip_forward". */
  readonly path: string;
  readonly namespace: NamespaceKind;
  readonly value: string;
}

const ipcNames = new Set(
  ["msgmax", "msgmnb", "msgmni", "sem", "shmall", "shmmax", "shmmni", "shm_rmid_forced"].map(
    (name) => `kernel/${name}`,
  ),
);

/** Reads one sysctl; refuses what no namespace has and what is no plain value (CVE-2022-0811). */
export function parseNamespacedSysctl(name: string, value: string): NamespacedSysctl {
  const path = sysctlPath(name);
  const namespace = path === undefined ? undefined : namespaceOf(path);
  if (path === undefined || namespace === undefined)
    throw invalidArgument(`sysctl ${name} does not belong to a namespace of the sandbox; set it on the host`);
  if (path === "kernel/hostname")
    throw invalidArgument("sysctl kernel.hostname cannot be set; give a hostname instead");
  if (!/^[^+=\0\n]*$/.test(value)) throw invalidArgument(`invalid value of sysctl ${name}: ${JSON.stringify(value)}`);
  return { name, path, namespace, value };
}

function namespaceOf(path: string): NamespaceKind | undefined {
  if (path.startsWith("net/")) return "network";
  if (ipcNames.has(path) || path.startsWith("fs/mqueue/")) return "ipc";
  if (path === "kernel/hostname" || path === "kernel/domainname") return "uts";
  return undefined;
}

/**
 * The path below /proc/sys. As sysctl(8) reads names: if the first separator is a dot, dots separate and a slash stands
 * for a dot (net.ipv4.conf.eth0/100.rp_filter); otherwise the name is the path.
 */
function sysctlPath(name: string): string | undefined {
  const firstSeparator = /[./]/.exec(name)?.[0];
  const path = firstSeparator === "/" ? name : name.replace(/[./]/g, (separator) => (separator === "." ? "/" : "."));
  const isPlain = path.split("/").every((part) => /^[\w.@:-]+$/.test(part) && part !== "." && part !== "..");
  return isPlain && path.includes("/") ? path : undefined;
}

/** invalid-argument for a sysctl that this kernel does not have, and for a value that it does not take. */
export function sysctlRefused({ name, value }: NamespacedSysctl, error: unknown): EngineError {
  const failure = toEngineError(error, `cannot set sysctl ${name} to ${JSON.stringify(value)}`);
  return failure.code === "not-found" ? invalidArgument(failure.message, error) : failure;
}
