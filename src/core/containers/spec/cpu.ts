// SPDX-License-Identifier: Apache-2.0

import { failedPrecondition, invalidArgument } from "../../../base/errors.ts";
import type { RuntimeResources } from "../../../oci/runtime/spec.ts";
import type { HostFacts } from "../../host/host-facts.ts";
import type { ResourceLimits } from "../container-config.ts";

const billion = 1e9;
const defaultPeriod = 100_000;
const [minimumShares, maximumShares] = [2, 262_144];

/** Processor limits; nanoCpus becomes a quota of the default period. */
export function buildCpu(limits: ResourceLimits, host: Pick<HostFacts, "cpus" | "cgroup">): RuntimeResources["cpu"] {
  checkCpu(limits, host.cpus);
  checkCpuSupport(limits, host);
  const { nanoCpus = 0, cpuPeriod = 0, cpuQuota = 0, cpuShares = 0, cpusetCpus = "", cpusetMems = "" } = limits;
  const cpu = {
    ...(cpuShares > 0 && { shares: Math.min(Math.max(cpuShares, minimumShares), maximumShares) }),
    ...(nanoCpus > 0 && { quota: Math.floor((nanoCpus * defaultPeriod) / billion), period: defaultPeriod }),
    ...(cpuPeriod !== 0 && { period: cpuPeriod }),
    ...(cpuQuota !== 0 && { quota: cpuQuota }),
    ...(cpusetCpus !== "" && { cpus: cpusetCpus }),
    ...(cpusetMems !== "" && { mems: cpusetMems }),
  };
  return Object.keys(cpu).length === 0 ? undefined : cpu;
}

function checkCpu(limits: ResourceLimits, cpus: number): void {
  const { nanoCpus = 0, cpuPeriod = 0, cpuQuota = 0, cpuShares = 0 } = limits;
  if (nanoCpus !== 0 && cpuPeriod !== 0) {
    throw invalidArgument("Conflicting options: Nano CPUs and CPU Period cannot both be set.");
  }
  if (nanoCpus !== 0 && cpuQuota !== 0) {
    throw invalidArgument("Conflicting options: Nano CPUs and CPU Quota cannot both be set.");
  }
  if (nanoCpus !== 0 && (nanoCpus < 0.01 * billion || nanoCpus > cpus * billion)) {
    throw invalidArgument(`range of CPUs is from 0.01 to ${cpus.toFixed(2)}, as there are only ${cpus} CPUs available`);
  }
  if (cpuPeriod !== 0 && (cpuPeriod < 1000 || cpuPeriod > 1_000_000)) {
    throw invalidArgument("CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)");
  }
  if (cpuQuota > 0 && cpuQuota < 1000) {
    throw invalidArgument("CPU cfs quota can not be less than 1ms (i.e. 1000)");
  }
  if (cpuShares < 0) throw invalidArgument(`invalid CPU shares (${cpuShares}): value must be a positive integer`);
  checkCpuset("cpus", limits.cpusetCpus, cpus);
  checkCpuset("mems", limits.cpusetMems);
}

function checkCpuset(kind: "cpus" | "mems", text = "", count?: number): void {
  if (text === "") return;
  const ranges = text.split(",").map((part) => /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part.trim()));
  const valid = ranges.every((range) => range !== null && Number(range[2] ?? range[1]) >= Number(range[1]));
  if (!valid) throw invalidArgument(`invalid value ${text} for cpuset ${kind}`);
  if (count !== undefined && ranges.some((range) => Number(range?.[2] ?? range?.[1]) >= count)) {
    throw invalidArgument(`Requested CPUs are not available - requested ${text}, available: 0-${count - 1}`);
  }
}

function checkCpuSupport(limits: ResourceLimits, host: Pick<HostFacts, "cgroup">): void {
  const { nanoCpus = 0, cpuPeriod = 0, cpuQuota = 0, cpuShares = 0, cpusetCpus = "", cpusetMems = "" } = limits;
  const { controllers } = host.cgroup;
  if ((nanoCpus || cpuPeriod || cpuQuota || cpuShares) !== 0 && !controllers.includes("cpu")) {
    throw failedPrecondition("cannot limit CPUs: this host has no cpu cgroup controller");
  }
  if (`${cpusetCpus}${cpusetMems}` !== "" && !controllers.includes("cpuset")) {
    throw failedPrecondition("cannot pin CPUs: this host has no cpuset cgroup controller");
  }
}
