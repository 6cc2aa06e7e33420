// SPDX-License-Identifier: Apache-2.0

import { defined } from "../../../base/defined.ts";
import type { RuntimeResources } from "../../../oci/runtime/spec.ts";
import type { ResourceLimits } from "../container-config.ts";

/** The limits as they were asked for, with what hooks made otherwise of the resources that were built of them. */
export function adoptLimits(
  limits: ResourceLimits,
  { built, adjusted }: { readonly built: RuntimeResources; readonly adjusted: RuntimeResources },
): ResourceLimits {
  const [before, after] = [limitsOf(built), limitsOf(adjusted)];
  const changed = Object.entries(after).filter(([key, value]) => !isSame(value, before[key as keyof ResourceLimits]));
  if (changed.length === 0) return limits;
  const { nanoCpus, ...rest } = { ...limits, ...(Object.fromEntries(changed) as ResourceLimits) };
  const isTimed = changed.some(([key]) => key === "cpuQuota" || key === "cpuPeriod");
  return nanoCpus === undefined || isTimed ? rest : { ...rest, nanoCpus };
}

function limitsOf({ memory, cpu, pids, hugepageLimits, unified }: RuntimeResources): ResourceLimits {
  return defined({
    memoryBytes: memory?.limit,
    memoryReservationBytes: memory?.reservation,
    memorySwapBytes: memory?.swap,
    memorySwappiness: memory?.swappiness,
    cpuShares: cpu?.shares,
    cpuPeriod: cpu?.period,
    cpuQuota: cpu?.quota,
    cpusetCpus: cpu?.cpus,
    cpusetMems: cpu?.mems,
    pidsLimit: pids?.limit,
    hugepageLimits: hugepageLimits?.map(({ pageSize, limit }) => ({ pageSize, limitBytes: limit })),
    unified,
  });
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
