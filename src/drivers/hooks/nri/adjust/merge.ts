// SPDX-License-Identifier: Apache-2.0
// One adjustment out of those of several plugins, for those that judge it.

import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type ContainerAdjustment,
  ContainerAdjustmentSchema,
  type HooksSchema,
  type LinuxContainerAdjustment,
  LinuxContainerAdjustmentSchema,
  type LinuxResources,
  LinuxResourcesSchema,
} from "../../../../gen/nri/pkg/api/v1alpha1/api_pb.js";
import { runtimeHookStages } from "../../../../oci/runtime/spec.ts";
import { parseArguments, parseKey } from "./removal.ts";

/** The first with the second applied to it; removals stay in it. */
export function mergeAdjustments(first: ContainerAdjustment, second: ContainerAdjustment): ContainerAdjustment {
  const { args } = parseArguments(second);
  return create(ContainerAdjustmentSchema, {
    annotations: mergeMaps(first.annotations, second.annotations),
    mounts: mergeLists(first.mounts, second.mounts, ({ destination }) => destination),
    env: mergeLists(first.env, second.env, ({ key }) => key),
    hooks: mergeHooks(first, second),
    rlimits: mergeLists(first.rlimits, second.rlimits, ({ type }) => type),
    CDIDevices: [...first.CDIDevices, ...second.CDIDevices],
    args: args.length > 0 ? [...args] : first.args,
    linux: mergeLinux(
      first.linux ?? create(LinuxContainerAdjustmentSchema),
      second.linux ?? create(LinuxContainerAdjustmentSchema),
    ),
  });
}

function mergeHooks(first: ContainerAdjustment, second: ContainerAdjustment): MessageInitShape<typeof HooksSchema> {
  return Object.fromEntries(
    runtimeHookStages.map((stage) => [stage, [...(first.hooks?.[stage] ?? []), ...(second.hooks?.[stage] ?? [])]]),
  );
}

function mergeLinux(first: LinuxContainerAdjustment, second: LinuxContainerAdjustment): LinuxContainerAdjustment {
  const rdt = second.rdt?.remove === true ? second.rdt : mergeMembers(first.rdt, second.rdt);
  return create(LinuxContainerAdjustmentSchema, {
    ...present(first),
    ...present(second),
    cgroupsPath: second.cgroupsPath === "" ? first.cgroupsPath : second.cgroupsPath,
    devices: mergeLists(first.devices, second.devices, ({ path }) => path),
    resources: mergeResources(
      first.resources ?? create(LinuxResourcesSchema),
      second.resources ?? create(LinuxResourcesSchema),
    ),
    namespaces: mergeLists(first.namespaces, second.namespaces, ({ type }) => type),
    sysctl: mergeMaps(first.sysctl, second.sysctl),
    netDevices: mergeMaps(first.netDevices, second.netDevices),
    rdt,
  });
}

/** The first with what the second names instead or beside. */
export function mergeResources(first: LinuxResources, second: LinuxResources): LinuxResources {
  const cpu = mergeMembers(first.cpu, second.cpu);
  if (cpu !== undefined) {
    cpu.cpus = second.cpu?.cpus || (first.cpu?.cpus ?? "");
    cpu.mems = second.cpu?.mems || (first.cpu?.mems ?? "");
  }
  return create(LinuxResourcesSchema, {
    ...present(first),
    ...present(second),
    memory: mergeMembers(first.memory, second.memory),
    cpu,
    hugepageLimits: mergeLists(first.hugepageLimits, second.hugepageLimits, ({ pageSize }) => pageSize),
    unified: { ...first.unified, ...second.unified },
    devices: [...first.devices, ...second.devices],
  });
}

/** A new message; nothing when there is neither. */
function mergeMembers<T extends object>(first: T | undefined, second: T | undefined): T | undefined {
  if (first === undefined && second === undefined) return undefined;
  return { ...first, ...present(second ?? {}) } as T;
}

/** The members that are not undefined. */
function present<T extends object>(message: T): Partial<T> {
  return Object.fromEntries(Object.entries(message).filter(([, value]) => value !== undefined)) as Partial<T>;
}

function mergeMaps<T>(first: Readonly<Record<string, T>>, second: Readonly<Record<string, T>>): Record<string, T> {
  const touched = new Set(Object.keys(second).map((key) => parseKey(key).name));
  const kept = Object.entries(first).filter(([key]) => !touched.has(parseKey(key).name));
  return { ...Object.fromEntries(kept), ...second };
}

function mergeLists<T>(first: readonly T[], second: readonly T[], keyOf: (entry: T) => string): T[] {
  const touched = new Set(second.map((entry) => parseKey(keyOf(entry)).name));
  return [...first.filter((entry) => !touched.has(parseKey(keyOf(entry)).name)), ...second];
}
