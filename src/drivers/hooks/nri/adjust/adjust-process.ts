// SPDX-License-Identifier: Apache-2.0

import { defined } from "../../../../base/defined.ts";
import {
  type ContainerAdjustment,
  IOPrioClass,
  type KeyValue,
  type LinuxIOPriority,
  type LinuxScheduler,
  LinuxSchedulerFlag,
  LinuxSchedulerPolicy,
} from "../../../../gen/nri/pkg/api/v1alpha1/api_pb.js";
import type { RuntimeIoPriority, RuntimeProcess, RuntimeScheduler } from "../../../../oci/runtime/spec.ts";
import { specNumber } from "../messages/values.ts";
import { parseArguments, parseKey } from "./removal.ts";

/** The process with arguments, environment, limits and scheduling as a plugin wants them. */
export function adjustProcess(process: RuntimeProcess, adjustment: ContainerAdjustment): RuntimeProcess {
  const { args } = parseArguments(adjustment);
  const { oomScoreAdj, ioPriority, scheduler } = adjustment.linux ?? {};
  const { ioPriority: oldPriority, scheduler: oldScheduler, ...rest } = process;
  return {
    ...rest,
    ...(args.length > 0 && { args: [...args] }),
    env: adjustEnvironment(process.env, adjustment.env),
    ...(adjustment.rlimits.length > 0 && { rlimits: adjustRlimits(process, adjustment) }),
    ...(oomScoreAdj !== undefined && { oomScoreAdj: specNumber(oomScoreAdj.value) }),
    ...defined({
      ioPriority: ioPriority === undefined ? oldPriority : ioPriorityOf(ioPriority),
      scheduler: scheduler === undefined ? oldScheduler : schedulerOf(scheduler),
    }),
  };
}

/** Changed variables stay where they are, new ones come last. */
function adjustEnvironment(environment: readonly string[], changes: readonly KeyValue[]): readonly string[] {
  if (changes.length === 0) return environment;
  const values = new Map<string, string | undefined>();
  for (const { key } of changes) {
    const { name, removed } = parseKey(key);
    if (removed) values.set(name, undefined);
  }
  for (const { key, value } of changes) if (!parseKey(key).removed) values.set(key, value);
  const kept = environment.flatMap((variable) => {
    const [key = ""] = variable.split("=", 1);
    if (!values.has(key)) return [variable];
    const value = values.get(key);
    values.delete(key);
    return value === undefined ? [] : [`${key}=${value}`];
  });
  return [...kept, ...[...values].flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}`]))];
}

function adjustRlimits(
  process: RuntimeProcess,
  { rlimits }: ContainerAdjustment,
): NonNullable<RuntimeProcess["rlimits"]> {
  const types = new Set(rlimits.map(({ type }) => type));
  return [
    ...(process.rlimits ?? []).filter(({ type }) => !types.has(type)),
    ...rlimits.map(({ type, hard, soft }) => ({ type, hard: specNumber(hard), soft: specNumber(soft) })),
  ];
}

/** The class "none" takes the priority away. */
function ioPriorityOf(priority: LinuxIOPriority): RuntimeIoPriority | undefined {
  if (priority.class === IOPrioClass.IOPRIO_CLASS_NONE) return undefined;
  return { class: IOPrioClass[priority.class] ?? "", priority: priority.priority };
}

/** The policy "none" takes it away. */
function schedulerOf(scheduler: LinuxScheduler): RuntimeScheduler | undefined {
  if (scheduler.policy === LinuxSchedulerPolicy.SCHED_NONE) return undefined;
  const { nice, priority, runtime, deadline, period } = scheduler;
  return {
    policy: LinuxSchedulerPolicy[scheduler.policy] ?? "",
    ...(nice !== 0 && { nice }),
    ...(priority !== 0 && { priority }),
    ...(scheduler.flags.length > 0 && { flags: scheduler.flags.map((flag) => LinuxSchedulerFlag[flag] ?? "") }),
    ...(runtime !== 0n && { runtime: specNumber(runtime) }),
    ...(deadline !== 0n && { deadline: specNumber(deadline) }),
    ...(period !== 0n && { period: specNumber(period) }),
  };
}
