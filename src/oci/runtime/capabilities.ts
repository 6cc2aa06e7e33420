// SPDX-License-Identifier: Apache-2.0
// Capability sets: which of them a container has, from Docker's defaults, what is added and dropped, and what the daemon
// itself may give away.

import { capabilityNames } from "../../base/capabilities.ts";
import { failedPrecondition, invalidArgument } from "../../base/errors.ts";

/** What a container has unless it asks otherwise: Docker's fourteen. */
export const defaultCapabilities: readonly string[] = [
  "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP",
  "CAP_NET_BIND_SERVICE", "CAP_NET_RAW", "CAP_SYS_CHROOT", "CAP_MKNOD", "CAP_AUDIT_WRITE", "CAP_SETFCAP",
]; // biome-ignore format: a table

export interface CapabilityRequest {
  readonly add: readonly string[];
  readonly drop: readonly string[];
  /** Kept by users other than root; each is added too. */
  readonly ambient?: readonly string[];
  readonly privileged: boolean;
  /** What the daemon may give; defaults and ALL are cut down to it. */
  readonly available: readonly string[];
}

/** What a container may ever hold, and what users other than root hold of it; in the order of the numbers. */
export interface CapabilitySets {
  readonly bounding: readonly string[];
  readonly ambient: readonly string[];
}

/**
 * The capabilities of a container. invalid-argument for an unknown name, failed-precondition
 * for one that was named and that the daemon does not have.
 */
export function resolveCapabilities(request: CapabilityRequest): CapabilitySets {
  const ambient = (request.ambient ?? []).map((name) => parseCapability(name, "CapAmbient"));
  const add = [...request.add.map((name) => parseCapability(name, "CapAdd")), ...ambient];
  const drop = request.drop.map((name) => parseCapability(name, "CapDrop"));
  const wanted = new Set(request.privileged ? capabilityNames : startingSet(add, drop));
  if (!request.privileged) for (const name of drop) wanted.delete(name);
  for (const name of add) {
    if (name === all) continue;
    // ALL is "everything but what is dropped by name", whichever way round it was said.
    if (!request.privileged && add.includes(all) && drop.includes(name)) continue;
    if (!request.available.includes(name)) {
      throw failedPrecondition(`cannot give capability ${name}: the daemon does not have it`);
    }
    wanted.add(name);
  }
  const bounding = capabilityNames.filter((name) => wanted.has(name) && request.available.includes(name));
  return { bounding, ambient: bounding.filter((name) => ambient.includes(name) || ambient.includes(all)) };
}

const all = "ALL";

function startingSet(add: readonly string[], drop: readonly string[]): readonly string[] {
  if (add.includes(all)) return capabilityNames;
  return drop.includes(all) ? [] : defaultCapabilities;
}

/** "net_admin", "CAP_NET_ADMIN" and "all" as their full names. */
function parseCapability(name: string, field: "CapAdd" | "CapDrop" | "CapAmbient"): string {
  const upper = name.trim().toUpperCase();
  if (upper === all) return all;
  const full = upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
  if (!capabilityNames.includes(full)) throw invalidArgument(`invalid ${field}: unknown capability: "${full}"`);
  return full;
}
