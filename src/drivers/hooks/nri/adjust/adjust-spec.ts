// SPDX-License-Identifier: Apache-2.0
// Makes what a plugin asks for part of a runtime specification. Who may set what is not decided here (ownership.ts), and
// names of CDI devices are not resolved here: the engine does that.

import { defined } from "../../../../base/defined.ts";
import type { ContainerAdjustment, Hooks, Mount } from "../../../../gen/nri/pkg/api/v1alpha1/api_pb.js";
import {
  type RuntimeHooks,
  type RuntimeMount,
  type RuntimeSpec,
  runtimeHookStages,
} from "../../../../oci/runtime/spec.ts";
import { unwrapInteger } from "../messages/values.ts";
import { adjustLinux } from "./adjust-linux.ts";
import { adjustProcess } from "./adjust-process.ts";
import { changeList, changeMap, parseKey } from "./removal.ts";

/** The specification as the plugin wants it; failed-precondition for what this engine cannot give. */
export function adjustSpec(spec: RuntimeSpec, adjustment: ContainerAdjustment): RuntimeSpec {
  const { annotations, mounts, hooks, linux } = adjustment;
  const adjusted: RuntimeSpec = {
    ...spec,
    process: adjustProcess(spec.process, adjustment),
    ...(Object.keys(annotations).length > 0 && { annotations: changeMap(spec.annotations ?? {}, annotations) }),
    ...(hooks !== undefined && { hooks: appendHooks(spec.hooks ?? {}, hooks) }),
    ...(linux !== undefined && { linux: adjustLinux(spec.linux, linux) }),
  };
  return mounts.length === 0 ? adjusted : adjustMounts(adjusted, mounts);
}

function appendHooks(base: RuntimeHooks, hooks: Hooks): RuntimeHooks {
  return Object.fromEntries(
    runtimeHookStages.flatMap((stage) => {
      const all = [
        ...(base[stage] ?? []),
        ...hooks[stage].map(({ path, args, env, timeout }) => ({
          path,
          args,
          env,
          ...defined({ timeout: unwrapInteger(timeout) }),
        })),
      ];
      return all.length === 0 ? [] : [[stage, all]];
    }),
  );
}

/** Parents are mounted before what lies below them; mounts that propagate need a root that does. */
function adjustMounts(spec: RuntimeSpec, changes: readonly Mount[]): RuntimeSpec {
  const mounts = changeList(spec.mounts, changes.map(mountOf), ({ destination }) => destination);
  const options = changes.filter(({ destination }) => !parseKey(destination).removed).flatMap((mount) => mount.options);
  return {
    ...spec,
    mounts: mounts.toSorted((a, b) => depthOf(a) - depthOf(b)),
    linux: { ...spec.linux, ...defined({ rootfsPropagation: propagation(spec, options) }) },
  };
}

function mountOf({ destination, type, source, options }: Mount): RuntimeMount {
  return { destination, type, source, options };
}

function depthOf({ destination }: RuntimeMount): number {
  return destination.split("/").filter((part) => part !== "" && part !== ".").length;
}

function propagation(spec: RuntimeSpec, options: readonly string[]): RuntimeSpec["linux"]["rootfsPropagation"] {
  const current = spec.linux.rootfsPropagation;
  if (options.includes("rshared")) return "rshared";
  return options.includes("rslave") && current !== "rshared" ? "rslave" : current;
}
