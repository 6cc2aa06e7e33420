// SPDX-License-Identifier: Apache-2.0

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ContainerView, HookContainerState, SeccompProfileView } from "../../../../core/hooks/hook-views.ts";
import {
  type ContainerSchema,
  ContainerState,
  IOPrioClass,
  LinuxSchedulerFlag,
  LinuxSchedulerPolicy,
  type LinuxSchedulerSchema,
  type LinuxSeccompSchema,
  SecurityProfile_ProfileType as ProfileType,
} from "../../../../gen/nri/pkg/api/v1alpha1/api_pb.js";
import {
  type RuntimeHook,
  type RuntimeScheduler,
  type RuntimeSeccomp,
  type RuntimeSpec,
  runtimeHookStages,
} from "../../../../oci/runtime/spec.ts";
import { resourcesToNri } from "./resources.ts";
import { bigintOf, nanoseconds, wrap, wrapInteger } from "./values.ts";

type ContainerInit = MessageInitShape<typeof ContainerSchema>;

const states = {
  created: ContainerState.CONTAINER_CREATED,
  running: ContainerState.CONTAINER_RUNNING,
  paused: ContainerState.CONTAINER_PAUSED,
  stopped: ContainerState.CONTAINER_STOPPED,
} as const satisfies Record<HookContainerState, ContainerState>;

const profiles = {
  "runtime-default": ProfileType.RUNTIME_DEFAULT,
  unconfined: ProfileType.UNCONFINED,
  localhost: ProfileType.LOCALHOST,
} as const satisfies Record<SeccompProfileView["type"], ProfileType>;

/** A container as plugins see it: its specification taken apart. */
export function containerToNri(container: ContainerView): ContainerInit {
  const { spec, image, seccompProfile: profile } = container;
  return {
    id: container.id,
    podSandboxId: container.podId,
    name: container.name,
    state: states[container.state],
    labels: { ...container.labels },
    annotations: { ...spec?.annotations, ...container.annotations },
    pid: container.pid,
    createdAt: nanoseconds(container.createdAt),
    startedAt: nanoseconds(container.startedAt),
    finishedAt: nanoseconds(container.finishedAt),
    exitCode: container.exitCode ?? 0,
    statusReason: container.reason ?? "",
    statusMessage: container.message ?? "",
    CDIDevices: (container.cdiDevices ?? []).map((name) => ({ name })),
    ...(image !== undefined && { image: { ...image } }),
    ...(spec !== undefined && ofSpec(spec)),
    linux: {
      ...(spec !== undefined && linuxOfSpec(spec)),
      ...(profile !== undefined && {
        seccompProfile: { profileType: profiles[profile.type], localhostRef: profile.localhostRef ?? "" },
      }),
    },
  };
}

function ofSpec({ process, mounts, hooks }: RuntimeSpec) {
  return {
    args: [...process.args],
    env: [...process.env],
    mounts: mounts.map((mount) => ({
      destination: mount.destination,
      type: mount.type ?? "",
      source: mount.source ?? "",
      options: [...(mount.options ?? [])],
    })),
    hooks: Object.fromEntries(runtimeHookStages.map((stage) => [stage, (hooks?.[stage] ?? []).map(hookToNri)])),
    rlimits: (process.rlimits ?? []).map(({ type, hard, soft }) => ({
      type,
      hard: bigintOf(hard),
      soft: bigintOf(soft),
    })),
    user: { uid: process.user.uid, gid: process.user.gid, additionalGids: [...(process.user.additionalGids ?? [])] },
  };
}

function hookToNri({ path, args, env, timeout }: RuntimeHook) {
  return { path, args: [...(args ?? [])], env: [...(env ?? [])], timeout: wrapInteger(timeout) };
}

function linuxOfSpec({ process, linux }: RuntimeSpec) {
  const { ioPriority, scheduler, oomScoreAdj } = process;
  const { intelRdt } = linux;
  return {
    namespaces: linux.namespaces.map(({ type, path }) => ({ type, path: path ?? "" })),
    devices: (linux.devices ?? []).map((device) => ({
      path: device.path,
      type: device.type,
      major: bigintOf(device.major ?? 0),
      minor: bigintOf(device.minor ?? 0),
      fileMode: wrap(device.fileMode),
      uid: wrap(device.uid),
      gid: wrap(device.gid),
    })),
    ...(linux.resources !== undefined && { resources: resourcesToNri(linux.resources) }),
    oomScoreAdj: wrapInteger(oomScoreAdj),
    cgroupsPath: linux.cgroupsPath ?? "",
    ...(ioPriority !== undefined && {
      ioPriority: { class: numberIn(IOPrioClass, ioPriority.class), priority: ioPriority.priority },
    }),
    ...(linux.seccomp !== undefined && { seccompPolicy: seccompToNri(linux.seccomp) }),
    sysctl: { ...linux.sysctl },
    netDevices: Object.fromEntries(
      Object.entries(linux.netDevices ?? {}).map(([host, { name }]) => [host, { name: name ?? "" }]),
    ),
    ...(scheduler !== undefined && { scheduler: schedulerToNri(scheduler) }),
    ...(intelRdt !== undefined && {
      rdt: {
        closId: wrap(intelRdt.closID),
        ...(intelRdt.schemata !== undefined && { schemata: { value: [...intelRdt.schemata] } }),
        enableMonitoring: wrap(intelRdt.enableMonitoring),
      },
    }),
  };
}

/** The number of an enum's value; 0, which means none, for a name that NRI does not know. */
function numberIn<E extends Readonly<Record<string, string | number>>>(names: E, name: string): number {
  const number = names[name];
  return typeof number === "number" ? number : 0;
}

function schedulerToNri(scheduler: RuntimeScheduler): MessageInitShape<typeof LinuxSchedulerSchema> {
  return {
    policy: numberIn(LinuxSchedulerPolicy, scheduler.policy),
    nice: scheduler.nice ?? 0,
    priority: scheduler.priority ?? 0,
    flags: (scheduler.flags ?? []).map((flag) => numberIn(LinuxSchedulerFlag, flag)),
    runtime: bigintOf(scheduler.runtime ?? 0),
    deadline: bigintOf(scheduler.deadline ?? 0),
    period: bigintOf(scheduler.period ?? 0),
  };
}

function seccompToNri(seccomp: RuntimeSeccomp): MessageInitShape<typeof LinuxSeccompSchema> {
  return {
    defaultAction: seccomp.defaultAction,
    defaultErrno: wrap(seccomp.defaultErrnoRet),
    architectures: [...(seccomp.architectures ?? [])],
    flags: [...(seccomp.flags ?? [])],
    listenerPath: seccomp.listenerPath ?? "",
    listenerMetadata: seccomp.listenerMetadata ?? "",
    syscalls: (seccomp.syscalls ?? []).map(({ names, action, errnoRet, args }) => ({
      names: [...names],
      action,
      errnoRet: wrap(errnoRet),
      args: (args ?? []).map(({ index, value, valueTwo, op }) => ({
        index,
        value: bigintOf(value),
        valueTwo: bigintOf(valueTwo ?? 0),
        op,
      })),
    })),
  };
}
