// SPDX-License-Identifier: Apache-2.0

import { failedPrecondition, invalidArgument } from "../../../base/errors.ts";
import type { RuntimeResources } from "../../../oci/runtime/spec.ts";
import type { HostFacts } from "../../host/host-facts.ts";
import type { ResourceLimits } from "../container-config.ts";
import { buildCpu } from "./cpu.ts";
import { buildMemory } from "./memory.ts";

/** The limits of a container's cgroup, but for devices; invalid-argument or failed-precondition with Docker's text. */
export function buildResources(
  limits: ResourceLimits,
  host: Pick<HostFacts, "cpus" | "cgroup">,
): Omit<RuntimeResources, "devices"> {
  const memory = buildMemory(limits, host.cgroup);
  const cpu = buildCpu(limits, host);
  const pids = buildPids(limits.pidsLimit, host);
  const blockIO = buildBlockIo(limits.blkioWeight, host);
  const hugepageLimits = buildHugepages(limits.hugepageLimits, host);
  const unified = buildUnified(limits.unified, host);
  return {
    ...(memory !== undefined && { memory }),
    ...(cpu !== undefined && { cpu }),
    ...(pids !== undefined && { pids }),
    ...(blockIO !== undefined && { blockIO }),
    ...(hugepageLimits !== undefined && { hugepageLimits }),
    ...(unified !== undefined && { unified }),
  };
}

function buildPids(limit: number | undefined, host: Pick<HostFacts, "cgroup">): RuntimeResources["pids"] {
  if (limit === undefined) return undefined;
  if (limit <= 0) return { limit: -1 };
  if (!host.cgroup.controllers.includes("pids")) {
    throw failedPrecondition("cannot limit processes: this host has no pids cgroup controller");
  }
  return { limit };
}

function buildBlockIo(weight: number | undefined, host: Pick<HostFacts, "cgroup">): RuntimeResources["blockIO"] {
  if (weight === undefined || weight === 0) return undefined;
  if (weight < 10 || weight > 1000) throw invalidArgument("Range of blkio weight is from 10 to 1000");
  const controller = host.cgroup.version === 2 ? "io" : "blkio";
  if (!host.cgroup.controllers.includes(controller)) {
    throw failedPrecondition(`cannot weigh block I/O: this host has no ${controller} cgroup controller`);
  }
  return { weight };
}

/** Kubelets send a limit of 0 for every page size of the host: on a host without the controller it says nothing. */
function buildHugepages(
  limits: ResourceLimits["hugepageLimits"],
  host: Pick<HostFacts, "cgroup">,
): RuntimeResources["hugepageLimits"] {
  if (limits === undefined || limits.length === 0) return undefined;
  for (const { pageSize, limitBytes } of limits) {
    if (!/^\d+(KB|MB|GB)$/.test(pageSize)) throw invalidArgument(`invalid huge page size: ${pageSize}`);
    if (limitBytes < 0) throw invalidArgument(`invalid limit of huge pages: ${limitBytes}`);
  }
  if (host.cgroup.controllers.includes("hugetlb")) {
    return limits.map(({ pageSize, limitBytes }) => ({ pageSize, limit: limitBytes }));
  }
  const asked = limits.find(({ limitBytes }) => limitBytes > 0);
  if (asked === undefined) return undefined;
  throw failedPrecondition(`cannot limit huge pages of ${asked.pageSize}: this host has no hugetlb cgroup controller`);
}

function buildUnified(files: ResourceLimits["unified"], host: Pick<HostFacts, "cgroup">): RuntimeResources["unified"] {
  if (files === undefined || Object.keys(files).length === 0) return undefined;
  if (host.cgroup.version !== 2) {
    throw failedPrecondition("cannot set files of cgroup version 2: this host uses version 1");
  }
  for (const name of Object.keys(files)) {
    if (!/^[a-z0-9_]+(\.[a-z0-9_]+)+$/i.test(name)) throw invalidArgument(`invalid cgroup file name: ${name}`);
  }
  return files;
}
