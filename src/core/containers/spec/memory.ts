// SPDX-License-Identifier: Apache-2.0

import { failedPrecondition, invalidArgument } from "../../../base/errors.ts";
import type { RuntimeResources } from "../../../oci/runtime/spec.ts";
import type { CgroupFacts } from "../../host/host-facts.ts";
import type { ResourceLimits } from "../container-config.ts";

const minimumMemory = 6 * 1024 * 1024;

/** Memory limits in the form of cgroup version 1 (swap counts memory too), which runtimes translate for version 2. */
export function buildMemory(limits: ResourceLimits, cgroup: CgroupFacts): RuntimeResources["memory"] {
  checkMemory(limits);
  checkMemorySupport(limits, cgroup);
  const { memoryBytes = 0, memoryReservationBytes = 0, memorySwapBytes = 0, memorySwappiness = -1 } = limits;
  const doubled = memoryBytes > 0 && (cgroup.swapLimit ?? true) ? memoryBytes * 2 : 0;
  const swap = memorySwapBytes !== 0 ? memorySwapBytes : doubled;
  const memory = {
    ...(memoryBytes > 0 && { limit: memoryBytes }),
    ...(memoryReservationBytes > 0 && { reservation: memoryReservationBytes }),
    ...(swap !== 0 && memoryBytes > 0 && { swap }),
    ...(memorySwappiness >= 0 && { swappiness: memorySwappiness }),
    ...(limits.oomKillDisable === true && { disableOOMKiller: true }),
  };
  return Object.keys(memory).length === 0 ? undefined : memory;
}

/** Docker's least: below it most programs do not even start. Kubelets may go lower. */
export function checkMinimumMemory(limits: ResourceLimits): void {
  const { memoryBytes = 0, memoryReservationBytes = 0 } = limits;
  if (memoryBytes !== 0 && memoryBytes < minimumMemory) throw invalidArgument("Minimum memory limit allowed is 6MB");
  if (memoryReservationBytes !== 0 && memoryReservationBytes < minimumMemory) {
    throw invalidArgument("Minimum memory reservation allowed is 6MB");
  }
}

/** The rules that hold on every host, with Docker's texts. */
function checkMemory(limits: ResourceLimits): void {
  const { memoryBytes = 0, memoryReservationBytes = 0, memorySwapBytes = 0, memorySwappiness = -1 } = limits;
  if (memoryBytes < 0) throw invalidArgument(`invalid memory limit: ${memoryBytes}`);
  if (memorySwapBytes < -1) throw invalidArgument(`invalid memory swap limit: ${memorySwapBytes}`);
  if (memoryBytes > 0 && memorySwapBytes > 0 && memorySwapBytes < memoryBytes) {
    throw invalidArgument("Minimum memoryswap limit should be larger than memory limit, see usage");
  }
  if (memoryBytes === 0 && memorySwapBytes > 0) {
    throw invalidArgument("You should always set the Memory limit when using Memoryswap limit, see usage");
  }
  if (!Number.isInteger(memorySwappiness) || memorySwappiness < -1 || memorySwappiness > 100) {
    throw invalidArgument(`Invalid value: ${memorySwappiness}, valid memory swappiness range is 0-100`);
  }
  if (memoryBytes > 0 && memoryReservationBytes > memoryBytes) {
    throw invalidArgument("Minimum memory limit can not be less than memory reservation limit, see usage");
  }
}

/** A limit that was asked for and that this host cannot keep is an error, never dropped. */
function checkMemorySupport(limits: ResourceLimits, cgroup: CgroupFacts): void {
  const { memoryBytes = 0, memoryReservationBytes = 0, memorySwapBytes = 0, memorySwappiness = -1 } = limits;
  const asked = memoryBytes > 0 || memoryReservationBytes > 0;
  if (asked && !cgroup.controllers.includes("memory")) {
    throw failedPrecondition("cannot limit memory: this host has no memory cgroup controller");
  }
  if (memoryBytes > 0 && memorySwapBytes > 0 && cgroup.swapLimit === false) {
    throw failedPrecondition("cannot limit swap: this host's kernel does not account for it (swapaccount=1)");
  }
  if (cgroup.version !== 2) return;
  if (memorySwappiness >= 0) {
    throw failedPrecondition("cannot set memory swappiness: cgroup version 2 does not have it");
  }
  if (limits.oomKillDisable === true) {
    throw failedPrecondition("cannot disable the OOM killer: cgroup version 2 does not have that");
  }
}
