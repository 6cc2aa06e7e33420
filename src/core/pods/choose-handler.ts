// SPDX-License-Identifier: Apache-2.0
// Which runtime handler a pod runs with.

import { invalidArgument, notFound } from "../../base/errors.ts";
import type { Engine } from "../lifecycle/engine.ts";
import type { PodConfig } from "../sandboxes/pod.ts";
import type { UsableHandler } from "../tasks/handler-table.ts";

const untrustedHandler = "untrusted";

/** What pods said before there were runtime classes, and the value that means "run it apart". */
const untrustedAnnotations: readonly (readonly [name: string, value: string])[] = [
  ["io.kubernetes.cri-o.TrustedSandbox", "false"],
  ["io.kubernetes.cri.untrusted-workload", "true"],
];

/** What a pod says of how it wants to be run. */
export type HandlerWish = { readonly runtimeHandler: string | undefined } & Pick<PodConfig, "annotations">;

/** The one that was asked for by name, else "untrusted" for pods that ask for it by annotation, else the default. */
export async function chooseHandler(
  engine: Pick<Engine, "handlers">,
  { runtimeHandler, annotations }: HandlerWish,
  { signal }: { readonly signal: AbortSignal },
): Promise<UsableHandler> {
  const name = runtimeHandler ?? (isUntrusted(annotations) ? untrustedHandler : undefined);
  if (name !== undefined && !engine.handlers.has(name)) {
    if (runtimeHandler !== undefined) throw notFound("runtime handler", name);
    throw notFound("runtime handler", `${untrustedHandler}, which the pod's annotations ask for: configure one`);
  }
  return await engine.handlers.use(name, { signal });
}

function isUntrusted(annotations: PodConfig["annotations"]): boolean {
  return untrustedAnnotations.some(([name, value]) => annotations[name] === value);
}

/** A pod that asks by annotation to be kept apart cannot ask for the host as well. */
export function checkTrust(config: PodConfig): void {
  const { privileged, network, ipc, pid, runtimeHandler, annotations } = config;
  const reachesHost = privileged || network === "host" || ipc === "host" || pid === "host";
  if (runtimeHandler === undefined && isUntrusted(annotations) && reachesHost) {
    throw invalidArgument("an untrusted pod cannot be privileged or share namespaces with the host");
  }
}
