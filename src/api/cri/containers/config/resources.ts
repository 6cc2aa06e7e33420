// SPDX-License-Identifier: Apache-2.0
// Limits of a container's cgroup in CRI's words (LinuxContainerResources), both ways. 0 and empty say nothing.

import type { MessageInitShape } from "@bufbuild/protobuf";
import { defined } from "../../../../base/defined.ts";
import { invalidArgument } from "../../../../base/errors.ts";
import type { ResourceLimits } from "../../../../core/containers/container-config.ts";
import type { HostFacts } from "../../../../core/host/host-facts.ts";
import type * as cri from "../../../../gen/runtime/v1/api_pb.js";

/** What to limit. A memory limit without a swap limit is one of both: a pod's containers do not swap unless told to. */
export function toResourceLimits(
  message: cri.LinuxContainerResources | undefined,
  host: Pick<HostFacts, "cgroup">,
): ResourceLimits {
  if (message === undefined) return {};
  const memoryBytes = toNumber("memory_limit_in_bytes", message.memoryLimitInBytes);
  const memorySwapBytes = toNumber("memory_swap_limit_in_bytes", message.memorySwapLimitInBytes) ?? memoryBytes;
  if (memoryBytes !== undefined && memoryBytes < 0) throw invalidArgument(`invalid memory limit: ${memoryBytes}`);
  return defined({
    cpuPeriod: toNumber("cpu_period", message.cpuPeriod),
    cpuQuota: toNumber("cpu_quota", message.cpuQuota),
    cpuShares: toNumber("cpu_shares", message.cpuShares),
    cpusetCpus: message.cpusetCpus || undefined,
    cpusetMems: message.cpusetMems || undefined,
    memoryBytes,
    memorySwapBytes: host.cgroup.swapLimit === false ? undefined : memorySwapBytes,
    hugepageLimits: message.hugepageLimits.length > 0 ? message.hugepageLimits.map(toHugepageLimit) : undefined,
    unified: Object.keys(message.unified).length > 0 ? message.unified : undefined,
  });
}

/** undefined when it is not said: the daemon's own, as far as it may give it. */
export function toOomScoreAdj(message: cri.LinuxContainerResources | undefined): number | undefined {
  const score = toNumber("oom_score_adj", message?.oomScoreAdj ?? 0n);
  if (score !== undefined && (score < -1000 || score > 1000)) {
    throw invalidArgument(`invalid oom_score_adj ${score}: its range is -1000 to 1000`);
  }
  return score;
}

/** What a status says of the limits that hold. */
export function fromResourceLimits(
  limits: ResourceLimits,
  oomScoreAdj?: number,
): MessageInitShape<typeof cri.LinuxContainerResourcesSchema> {
  return {
    cpuPeriod: BigInt(limits.cpuPeriod ?? 0),
    cpuQuota: BigInt(limits.cpuQuota ?? 0),
    cpuShares: BigInt(limits.cpuShares ?? 0),
    cpusetCpus: limits.cpusetCpus ?? "",
    cpusetMems: limits.cpusetMems ?? "",
    memoryLimitInBytes: BigInt(limits.memoryBytes ?? 0),
    memorySwapLimitInBytes: BigInt(limits.memorySwapBytes ?? 0),
    oomScoreAdj: BigInt(oomScoreAdj ?? 0),
    hugepageLimits: (limits.hugepageLimits ?? []).map(({ pageSize, limitBytes }) => ({
      pageSize,
      limit: BigInt(limitBytes),
    })),
    unified: { ...limits.unified },
  };
}

function toHugepageLimit({ pageSize, limit }: cri.HugepageLimit) {
  return { pageSize, limitBytes: toNumber(`limit of ${pageSize} pages`, limit) ?? 0 };
}

/** undefined for 0. */
function toNumber(field: string, value: bigint): number | undefined {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw invalidArgument(`${field} is out of range: ${value}`);
  return number === 0 ? undefined : number;
}
