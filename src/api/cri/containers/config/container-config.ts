// SPDX-License-Identifier: Apache-2.0
// A pod's container as CRI asks for it (cri-api ContainerConfig), in the engine's terms. Everything that cannot be
// meant is refused here, before anything is made.

import { defined } from "../../../../base/defined.ts";
import { invalidArgument } from "../../../../base/errors.ts";
import { cleanPath } from "../../../../base/parse/clean-path.ts";
import type { ContainerConfig } from "../../../../core/containers/container-config.ts";
import type { SpecFeatures } from "../../../../core/containers/spec/spec-input.ts";
import type { HostFacts } from "../../../../core/host/host-facts.ts";
import type { PodConfig } from "../../../../core/sandboxes/pod.ts";
import type * as cri from "../../../../gen/runtime/v1/api_pb.js";
import { toCdiDevices, toDevices } from "./devices.ts";
import { toMounts } from "./mounts.ts";
import { toPidMode, toUsernsMode } from "./namespaces.ts";
import { toProcess } from "./process.ts";
import { toOomScoreAdj, toResourceLimits } from "./resources.ts";
import { toSecurity } from "./security.ts";
import { toUser } from "./user.ts";

/** Where the container is to run. */
export interface ContainerSurroundings {
  readonly pod: Pick<PodConfig, "network" | "ipc" | "pid" | "userNamespace" | "privileged">;
  readonly host: Pick<HostFacts, "seccomp" | "cgroup">;
  /** Of the pod's runtime handler. */
  readonly features: Pick<SpecFeatures, "seccomp" | "recursiveReadOnly" | "idMappedMounts">;
}

/** The configuration; invalid-argument for what makes no sense, failed-precondition for what this host cannot do. */
export async function toContainerConfig(
  message: cri.ContainerConfig,
  { pod, host, features }: ContainerSurroundings,
): Promise<ContainerConfig> {
  if (message.metadata === undefined) throw invalidArgument("container config must include metadata");
  if (message.metadata.name === "") throw invalidArgument("the container's metadata must include a name");
  const image = message.image?.image ?? "";
  if (image === "") throw invalidArgument("container config must include an image");
  const security = message.linux?.securityContext;
  const resources = message.linux?.resources;
  return {
    ...notAsked,
    ...toProcess(message),
    ...(await toSecurity(security, { pod, host, features })),
    ...toUser(security),
    ...defined({ usernsMode: toUsernsMode(security?.namespaceOptions, pod), oomScoreAdj: toOomScoreAdj(resources) }),
    image,
    labels: message.labels,
    annotations: message.annotations,
    pidMode: toPidMode(security?.namespaceOptions, pod),
    mounts: toMounts(message.mounts, features),
    devices: toDevices(message.devices),
    cdiDevices: toCdiDevices(message),
    resources: toResourceLimits(resources, host),
  };
}

/**
 * Where the container's log lies on the host; "" when its output is dropped. invalid-argument for a path that leads out
 * of the pod's directory.
 */
export function toLogPath(message: Pick<cri.ContainerConfig, "logPath">, logDirectory: string): string {
  if (message.logPath === "" || logDirectory === "") return "";
  const directory = cleanPath(logDirectory);
  const path = cleanPath(`${directory}/${message.logPath}`);
  if (!path.startsWith(directory === "/" ? "/" : `${directory}/`)) {
    throw invalidArgument(`the log path ${message.logPath} leads out of the pod's log directory`);
  }
  return path;
}

/** What the pod decides, and what CRI has no word for. */
const notAsked = {
  networkMode: "pod",
  ipcMode: "pod",
  utsMode: "pod",
  exposedPorts: [],
  deviceCgroupRules: [],
  ulimits: [],
  sysctls: {},
  ports: [],
  publishAll: false,
  extraHosts: [],
  dns: [],
  dnsSearch: [],
  dnsOptions: [],
  init: false,
  autoRemove: false,
  restartPolicy: { name: "no", maximumRetries: 0 },
} as const satisfies Partial<ContainerConfig>;
