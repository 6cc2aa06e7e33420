// SPDX-License-Identifier: Apache-2.0

import { failedPrecondition, invalidArgument } from "../../../base/errors.ts";
import { checkUlimitOrder, ulimitNames } from "../../../base/parse/ulimit.ts";
import { type RlimitValue, type RuntimeRlimit, unlimitedRlimit } from "../../../oci/runtime/spec.ts";
import type { HostFacts } from "../../host/host-facts.ts";
import type { Ulimit } from "../container-config.ts";

// Without this a container would inherit the daemon's soft limit, which Node raises to the hard one; programs that walk
// over all possible descriptors would then be very slow.
const defaults: readonly Ulimit[] = [{ name: "nofile", soft: 1024, hard: 524_288 }];

type RlimitHost = Pick<HostFacts, "rlimits" | "raiseRlimits">;

/** Defaults cut down to what the daemon may give, and what was asked; failed-precondition when that is too much. */
export function buildRlimits(ulimits: readonly Ulimit[], host: RlimitHost): readonly RuntimeRlimit[] {
  const byName = new Map<string, RuntimeRlimit>();
  for (const limit of defaults) byName.set(limit.name, clamp(limit, host));
  for (const limit of ulimits) byName.set(limit.name, checked(limit, host));
  return [...byName.values()];
}

/** The highest hard limit that may be set; -1 is no limit. */
function ceilingOf(name: string, host: RlimitHost): number {
  if (host.raiseRlimits) return -1;
  const hard = host.rlimits[rlimitType(name)]?.hard ?? "unlimited";
  return hard === "unlimited" ? -1 : hard;
}

function clamp(limit: Ulimit, host: RlimitHost): RuntimeRlimit {
  const ceiling = ceilingOf(limit.name, host);
  const cut = (value: number) => (ceiling === -1 ? value : Math.min(value, ceiling));
  return { type: rlimitType(limit.name), soft: cut(limit.soft), hard: cut(limit.hard) };
}

function checked(limit: Ulimit, host: RlimitHost): RuntimeRlimit {
  if (!ulimitNames.includes(limit.name)) throw invalidArgument(`invalid ulimit type: ${limit.name}`);
  checkUlimitOrder(limit.soft, limit.hard);
  const ceiling = ceilingOf(limit.name, host);
  if (ceiling !== -1 && (limit.hard === -1 || limit.hard > ceiling)) {
    const asked = limit.hard === -1 ? "unlimited" : limit.hard;
    throw failedPrecondition(
      `cannot set ulimit ${limit.name} to ${asked}: the daemon's own hard limit is ${ceiling} and it may not raise it`,
    );
  }
  return { type: rlimitType(limit.name), soft: toValue(limit.soft), hard: toValue(limit.hard) };
}

function toValue(value: number): RlimitValue {
  return value === -1 ? unlimitedRlimit : value;
}

function rlimitType(name: string): string {
  return `RLIMIT_${name.toUpperCase()}`;
}
