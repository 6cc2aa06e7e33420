// SPDX-License-Identifier: Apache-2.0

import { defined } from "../../../../base/defined.ts";
import { failedPrecondition } from "../../../../base/errors.ts";
import {
  type LinuxContainerAdjustment,
  type LinuxDevice,
  type LinuxMemoryPolicy,
  type LinuxResources,
  type LinuxSeccomp,
  MpolFlag,
  MpolMode,
} from "../../../../gen/nri/pkg/api/v1alpha1/api_pb.js";
import type {
  RuntimeDevice,
  RuntimeDeviceRule,
  RuntimeIntelRdt,
  RuntimeLinux,
  RuntimeNamespace,
  RuntimeNamespaceType,
  RuntimeResources,
  RuntimeSeccomp,
} from "../../../../oci/runtime/spec.ts";
import { overlayResources, resourcesFromNri } from "../messages/resources.ts";
import { filled, specNumber } from "../messages/values.ts";
import { added, changeList, changeMap, parseKey } from "./removal.ts";

/** The Linux part with devices, namespaces, limits and filters as a plugin wants them. */
export function adjustLinux(linux: RuntimeLinux, adjustment: LinuxContainerAdjustment): RuntimeLinux {
  const { devices, namespaces, sysctl, netDevices, seccompPolicy, memoryPolicy, cgroupsPath } = adjustment;
  const { intelRdt, ...rest } = linux;
  return {
    ...rest,
    ...defined({
      cgroupsPath: filled(cgroupsPath),
      resources: adjustResources(linux.resources, adjustment),
      intelRdt: adjustRdt(intelRdt, adjustment),
    }),
    ...(devices.length > 0 && { devices: adjustDevices(linux.devices ?? [], devices) }),
    ...(namespaces.length > 0 && { namespaces: adjustNamespaces(linux.namespaces, namespaces) }),
    ...(Object.keys(sysctl).length > 0 && { sysctl: changeMap(linux.sysctl ?? {}, sysctl) }),
    ...(Object.keys(netDevices).length > 0 && {
      netDevices: changeMap(linux.netDevices ?? {}, plainDevices(netDevices)),
    }),
    ...(seccompPolicy !== undefined && { seccomp: seccompOf(seccompPolicy) }),
    ...(memoryPolicy !== undefined && { memoryPolicy: memoryPolicyOf(memoryPolicy) }),
  };
}

function adjustDevices(devices: readonly RuntimeDevice[], changes: readonly LinuxDevice[]): readonly RuntimeDevice[] {
  const keyOf = ({ path }: { readonly path: string }) => path;
  return changeList(devices, changes.map(deviceOf), keyOf);
}

function deviceOf(device: LinuxDevice): RuntimeDevice {
  return {
    path: device.path,
    type: device.type as RuntimeDevice["type"],
    major: specNumber(device.major),
    minor: specNumber(device.minor),
    ...defined({ fileMode: device.fileMode?.value, uid: device.uid?.value, gid: device.gid?.value }),
  };
}

/** A device that is added may be used; block devices may be made again too. */
function ruleOf(device: LinuxDevice): RuntimeDeviceRule {
  return {
    allow: true,
    type: device.type === "b" ? "b" : "c",
    major: specNumber(device.major),
    minor: specNumber(device.minor),
    access: device.type === "b" ? "rwm" : "rw",
  };
}

function adjustResources(
  base: RuntimeResources | undefined,
  { resources, devices }: LinuxContainerAdjustment,
): RuntimeResources | undefined {
  const rules = added(devices, ({ path }) => path).map(ruleOf);
  if (resources === undefined && rules.length === 0) return base;
  const change = resources === undefined ? {} : resourcesFromNri(resources);
  const adjusted = overlayResources(base ?? {}, { ...change, devices: [...rules, ...(change.devices ?? [])] });
  refuseClasses(resources);
  return withSwap(adjusted, { base, change });
}

/** Swap counts on top of memory, so a limit of both that the engine set follows the one of memory. */
function withSwap(
  adjusted: RuntimeResources,
  { base, change }: { readonly base: RuntimeResources | undefined; readonly change: RuntimeResources },
): RuntimeResources {
  const limit = change.memory?.limit;
  if (limit === undefined || change.memory?.swap !== undefined || base?.memory?.swap === undefined) return adjusted;
  return { ...adjusted, memory: { ...adjusted.memory, swap: limit } };
}

/** No classes of block I/O are configured; an empty one asks for none. */
function refuseClasses(resources: LinuxResources | undefined): void {
  const name = resources?.blockioClass?.value ?? "";
  if (name !== "") throw failedPrecondition(`no such block I/O class: ${name}`);
}

function adjustRdt(
  base: RuntimeIntelRdt | undefined,
  { resources, rdt }: LinuxContainerAdjustment,
): RuntimeIntelRdt | undefined {
  const name = resources?.rdtClass?.value;
  const ofClass = name === undefined ? base : name === "" ? undefined : { closID: name };
  if (rdt === undefined) return ofClass;
  const change = defined({
    closID: rdt.closId?.value,
    schemata: rdt.schemata?.value,
    enableMonitoring: rdt.enableMonitoring?.value,
  });
  const result: RuntimeIntelRdt = { ...(rdt.remove ? {} : ofClass), ...change };
  return Object.keys(result).length === 0 ? undefined : result;
}

function adjustNamespaces(
  namespaces: readonly RuntimeNamespace[],
  changes: LinuxContainerAdjustment["namespaces"],
): readonly RuntimeNamespace[] {
  const wanted = changes.map(({ type, path }) => ({
    type: type as RuntimeNamespaceType,
    ...defined({ path: filled(path) }),
  }));
  return changeList(namespaces, wanted, ({ type }) => type);
}

function plainDevices(devices: LinuxContainerAdjustment["netDevices"]): Record<string, { readonly name?: string }> {
  return Object.fromEntries(
    Object.entries(devices).map(([host, { name }]) => [
      host,
      parseKey(host).removed ? {} : defined({ name: filled(name) }),
    ]),
  );
}

function seccompOf(policy: LinuxSeccomp): RuntimeSeccomp {
  return {
    defaultAction: policy.defaultAction,
    architectures: policy.architectures,
    flags: policy.flags,
    ...defined({
      defaultErrnoRet: policy.defaultErrno?.value,
      listenerPath: filled(policy.listenerPath),
      listenerMetadata: filled(policy.listenerMetadata),
    }),
    syscalls: policy.syscalls.map(({ names, action, errnoRet, args }) => ({
      names,
      action,
      ...defined({ errnoRet: errnoRet?.value }),
      args: args.map(({ index, value, valueTwo, op }) => ({
        index,
        value: specNumber(value),
        valueTwo: specNumber(valueTwo),
        op,
      })),
    })),
  };
}

function memoryPolicyOf({ mode, nodes, flags }: LinuxMemoryPolicy): NonNullable<RuntimeLinux["memoryPolicy"]> {
  return { mode: MpolMode[mode] ?? "", nodes, flags: flags.map((flag) => MpolFlag[flag] ?? "") };
}
