// SPDX-License-Identifier: Apache-2.0
// Claims everything that an adjustment or an update names.

import {
  type ContainerAdjustment,
  Field,
  type Hooks,
  type LinuxContainerAdjustment,
  type LinuxCPU,
  type LinuxMemory,
  type LinuxResources,
} from "../../../../gen/nri/pkg/api/v1alpha1/api_pb.js";
import { runtimeHookStages } from "../../../../oci/runtime/spec.ts";
import type { Ownership } from "./ownership.ts";
import { parseArguments, parseKey } from "./removal.ts";

/** Who asks, and for which container. */
export interface Claimant {
  readonly ownership: Ownership;
  readonly containerId: string;
  readonly plugin: string;
}

/** conflict when the adjustment names what another plugin has set. */
export function claimAdjustment(claimant: Claimant, adjustment: ContainerAdjustment): void {
  const { ownership, containerId, plugin } = claimant;
  claimEntries(claimant, Field.Annotations, Object.keys(adjustment.annotations));
  claimEntries(
    claimant,
    Field.Mounts,
    adjustment.mounts.map(({ destination }) => destination),
  );
  claimEntries(
    claimant,
    Field.Env,
    adjustment.env.map(({ key }) => key),
  );
  const { args, replaces } = parseArguments(adjustment);
  if (replaces) ownership.clear(containerId, { field: Field.Args }, plugin);
  if (args.length > 0) ownership.claim(containerId, { field: Field.Args }, plugin);
  if (hasHooks(adjustment.hooks)) ownership.share(containerId, Field.OciHooks, plugin);
  if (adjustment.linux !== undefined) claimLinux(claimant, adjustment.linux);
  claimEntries(
    claimant,
    Field.Rlimits,
    adjustment.rlimits.map(({ type }) => type),
  );
  claimEntries(
    claimant,
    Field.CdiDevices,
    adjustment.CDIDevices.map(({ name }) => name),
  );
}

function hasHooks(hooks: Hooks | undefined): boolean {
  return hooks !== undefined && runtimeHookStages.some((stage) => hooks[stage].length > 0);
}

function claimLinux(claimant: Claimant, linux: LinuxContainerAdjustment): void {
  claimEntries(
    claimant,
    Field.Devices,
    linux.devices.map(({ path }) => path),
  );
  if (linux.resources !== undefined) claimResources(claimant, linux.resources);
  claimEntries(claimant, Field.Sysctl, Object.keys(linux.sysctl));
  claimEntries(claimant, Field.LinuxNetDevices, Object.keys(linux.netDevices));
  // Taking a namespace away is a way to set it.
  for (const { type } of linux.namespaces) {
    claimant.ownership.claim(
      claimant.containerId,
      { field: Field.Namespace, entry: parseKey(type).name },
      claimant.plugin,
    );
  }
  claimFields(claimant, [
    [Field.CgroupsPath, linux.cgroupsPath],
    [Field.OomScoreAdj, linux.oomScoreAdj],
    [Field.IoPriority, linux.ioPriority],
    [Field.SeccompPolicy, linux.seccompPolicy],
    [Field.LinuxSched, linux.scheduler],
    [Field.MemoryPolicy, linux.memoryPolicy],
  ]);
  claimRdt(claimant, linux.rdt);
}

function claimRdt(claimant: Claimant, rdt: LinuxContainerAdjustment["rdt"]): void {
  const { ownership, containerId, plugin } = claimant;
  if (rdt?.remove === true) {
    for (const field of [Field.RdtClosID, Field.RdtSchemata, Field.RdtEnableMonitoring]) {
      ownership.clear(containerId, { field }, plugin);
    }
  }
  claimFields(claimant, [
    [Field.RdtClosID, rdt?.closId],
    [Field.RdtSchemata, rdt?.schemata],
    [Field.RdtEnableMonitoring, rdt?.enableMonitoring],
  ]);
}

/** conflict when the resources name what another plugin has set; of an adjustment or of an update. */
export function claimResources(claimant: Claimant, resources: LinuxResources): void {
  claimMemory(claimant, resources.memory);
  claimCpu(claimant, resources.cpu);
  claimEntries(
    claimant,
    Field.HugepageLimits,
    resources.hugepageLimits.map(({ pageSize }) => pageSize),
  );
  claimEntries(claimant, Field.CgroupsUnified, Object.keys(resources.unified));
  claimFields(claimant, [
    [Field.BlockioClass, resources.blockioClass],
    [Field.RdtClass, resources.rdtClass],
    [Field.PidsLimit, resources.pids],
  ]);
}

function claimMemory(claimant: Claimant, memory: LinuxMemory | undefined): void {
  claimFields(claimant, [
    [Field.MemLimit, memory?.limit],
    [Field.MemReservation, memory?.reservation],
    [Field.MemSwapLimit, memory?.swap],
    [Field.MemKernelLimit, memory?.kernel],
    [Field.MemTCPLimit, memory?.kernelTcp],
    [Field.MemSwappiness, memory?.swappiness],
    [Field.MemDisableOomKiller, memory?.disableOomKiller],
    [Field.MemUseHierarchy, memory?.useHierarchy],
  ]);
}

function claimCpu(claimant: Claimant, cpu: LinuxCPU | undefined): void {
  claimFields(claimant, [
    [Field.CPUShares, cpu?.shares],
    [Field.CPUQuota, cpu?.quota],
    [Field.CPUPeriod, cpu?.period],
    [Field.CPURealtimeRuntime, cpu?.realtimeRuntime],
    [Field.CPURealtimePeriod, cpu?.realtimePeriod],
    [Field.CPUSetCPUs, cpu?.cpus],
    [Field.CPUSetMems, cpu?.mems],
  ]);
}

/** Those that are there and not empty. */
function claimFields(
  { ownership, containerId, plugin }: Claimant,
  fields: readonly (readonly [Field, unknown])[],
): void {
  for (const [field, value] of fields) {
    if (value !== undefined && value !== "") ownership.claim(containerId, { field }, plugin);
  }
}

function claimEntries({ ownership, containerId, plugin }: Claimant, field: Field, keys: readonly string[]): void {
  const parsed = keys.map(parseKey);
  for (const { name, removed } of parsed) if (removed) ownership.clear(containerId, { field, entry: name }, plugin);
  for (const { name, removed } of parsed) if (!removed) ownership.claim(containerId, { field, entry: name }, plugin);
}
