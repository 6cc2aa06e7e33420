// SPDX-License-Identifier: Apache-2.0
// Resources of the runtime specification as NRI says them, and back.

import type { MessageInitShape } from "@bufbuild/protobuf";
import { defined } from "../../../../base/defined.ts";
import type {
  LinuxCPU,
  LinuxMemory,
  LinuxResources,
  LinuxResourcesSchema,
} from "../../../../gen/nri/pkg/api/v1alpha1/api_pb.js";
import type { RuntimeDeviceRule, RuntimeResources } from "../../../../oci/runtime/spec.ts";
import { bigintOf, filled, specNumber, unwrapInteger, wrap, wrapInteger } from "./values.ts";

type ResourcesInit = MessageInitShape<typeof LinuxResourcesSchema>;

/** What a plugin sees. */
export function resourcesToNri(resources: RuntimeResources): ResourcesInit {
  return {
    ...(resources.memory !== undefined && { memory: memoryToNri(resources.memory) }),
    ...(resources.cpu !== undefined && { cpu: cpuToNri(resources.cpu) }),
    hugepageLimits: (resources.hugepageLimits ?? []).map(({ pageSize, limit }) => ({
      pageSize,
      limit: bigintOf(limit),
    })),
    unified: { ...resources.unified },
    devices: (resources.devices ?? []).map((rule) => ({
      allow: rule.allow,
      type: rule.type ?? "",
      major: wrapInteger(rule.major),
      minor: wrapInteger(rule.minor),
      access: rule.access ?? "",
    })),
    ...(resources.pids !== undefined && { pids: { limit: bigintOf(resources.pids.limit) } }),
  };
}

function memoryToNri(memory: NonNullable<RuntimeResources["memory"]>): ResourcesInit["memory"] {
  return {
    limit: wrapInteger(memory.limit),
    reservation: wrapInteger(memory.reservation),
    swap: wrapInteger(memory.swap),
    kernel: wrapInteger(memory.kernel),
    kernelTcp: wrapInteger(memory.kernelTCP),
    swappiness: wrapInteger(memory.swappiness),
    disableOomKiller: wrap(memory.disableOOMKiller),
    useHierarchy: wrap(memory.useHierarchy),
  };
}

function cpuToNri(cpu: NonNullable<RuntimeResources["cpu"]>): ResourcesInit["cpu"] {
  return {
    shares: wrapInteger(cpu.shares),
    quota: wrapInteger(cpu.quota),
    period: wrapInteger(cpu.period),
    realtimeRuntime: wrapInteger(cpu.realtimeRuntime),
    realtimePeriod: wrapInteger(cpu.realtimePeriod),
    cpus: cpu.cpus ?? "",
    mems: cpu.mems ?? "",
  };
}

/** What a plugin asks for; what it does not name is absent. Classes of block I/O and RDT have no place here. */
export function resourcesFromNri(resources: LinuxResources): RuntimeResources {
  const { memory, cpu, hugepageLimits, unified, devices, pids } = resources;
  return {
    ...(memory !== undefined && { memory: memoryFromNri(memory) }),
    ...(cpu !== undefined && { cpu: cpuFromNri(cpu) }),
    ...(hugepageLimits.length > 0 && {
      hugepageLimits: hugepageLimits.map(({ pageSize, limit }) => ({ pageSize, limit: specNumber(limit) })),
    }),
    ...(Object.keys(unified).length > 0 && { unified: { ...unified } }),
    ...(devices.length > 0 && { devices: devices.map(ruleFromNri) }),
    ...(pids !== undefined && { pids: { limit: specNumber(pids.limit) } }),
  };
}

function memoryFromNri(memory: LinuxMemory): NonNullable<RuntimeResources["memory"]> {
  return defined({
    limit: unwrapInteger(memory.limit),
    reservation: unwrapInteger(memory.reservation),
    swap: unwrapInteger(memory.swap),
    kernel: unwrapInteger(memory.kernel),
    kernelTCP: unwrapInteger(memory.kernelTcp),
    swappiness: unwrapInteger(memory.swappiness),
    disableOOMKiller: memory.disableOomKiller?.value,
    useHierarchy: memory.useHierarchy?.value,
  });
}

function cpuFromNri(cpu: LinuxCPU): NonNullable<RuntimeResources["cpu"]> {
  return defined({
    shares: unwrapInteger(cpu.shares),
    quota: unwrapInteger(cpu.quota),
    period: unwrapInteger(cpu.period),
    realtimeRuntime: unwrapInteger(cpu.realtimeRuntime),
    realtimePeriod: unwrapInteger(cpu.realtimePeriod),
    cpus: filled(cpu.cpus),
    mems: filled(cpu.mems),
  });
}

function ruleFromNri(rule: LinuxResources["devices"][number]): RuntimeDeviceRule {
  return {
    allow: rule.allow,
    ...defined({
      type: filled(rule.type) as RuntimeDeviceRule["type"],
      major: unwrapInteger(rule.major),
      minor: unwrapInteger(rule.minor),
      access: filled(rule.access),
    }),
  };
}

/** The first with what the second says instead or beside. */
export function overlayResources(base: RuntimeResources, change: RuntimeResources): RuntimeResources {
  const merged = { ...base, ...change };
  return {
    ...merged,
    ...(merged.memory !== undefined && { memory: { ...base.memory, ...change.memory } }),
    ...(merged.cpu !== undefined && { cpu: { ...base.cpu, ...change.cpu } }),
    ...(merged.unified !== undefined && { unified: { ...base.unified, ...change.unified } }),
    ...(merged.devices !== undefined && { devices: [...(base.devices ?? []), ...(change.devices ?? [])] }),
    ...(merged.hugepageLimits !== undefined && {
      hugepageLimits: [
        ...(base.hugepageLimits ?? []).filter(
          ({ pageSize }) => !(change.hugepageLimits ?? []).some((limit) => limit.pageSize === pageSize),
        ),
        ...(change.hugepageLimits ?? []),
      ],
    }),
  };
}
