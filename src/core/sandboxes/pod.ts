// SPDX-License-Identifier: Apache-2.0
// The pod: a sandbox that an orchestrator asked for and that lives apart from any container. What was asked is kept as
// plain data; what it became stands beside it in the sandbox's record.

import type { IdMappings } from "../../base/id-mapping.ts";
import type { SandboxId } from "../../base/ids.ts";
import { defineTable } from "../../storage/store.ts";
import type { ResourceLimits } from "../containers/container-config.ts";
import type { PortMapping } from "../networks/network-driver.ts";

/** What makes a pod one pod: asked for again it is the same. */
export interface PodMetadata {
  readonly name: string;
  readonly uid: string;
  readonly namespace: string;
  /** How often it has been tried before. */
  readonly attempt: number;
}

/** What an orchestrator asks of a pod (cri-api PodSandboxConfig). */
export interface PodConfig {
  readonly metadata: PodMetadata;
  readonly hostname: string;
  /** Below which the logs of its containers lie; "" when they have none. */
  readonly logDirectory: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Undefined is the host's. */
  readonly dns?: {
    readonly servers: readonly string[];
    readonly searches: readonly string[];
    readonly options: readonly string[];
  };
  readonly ports: readonly PortMapping[];
  /** A cgroup, or with systemd a slice; "" is the engine's own choice. */
  readonly cgroupParent: string;
  /** "host" shares the machine's, with its host name. */
  readonly network: "pod" | "host";
  readonly ipc: "pod" | "host";
  /** "pod": one process tree for all its containers, under a process that waits. */
  readonly pid: "pod" | "container" | "host";
  /** All containers of the pod then run in a user namespace of their own. */
  readonly userNamespace?: IdMappings;
  readonly sysctls: Readonly<Record<string, string>>;
  readonly privileged: boolean;
  /** As for containers: seccomp=…, apparmor=…, label=…; of the process that waits. */
  readonly securityOptions: readonly string[];
  /** What the orchestrator says the pod takes beside its containers, and they all together. */
  readonly overhead?: ResourceLimits;
  readonly resources?: ResourceLimits;
  /** undefined is the default one. */
  readonly runtimeHandler?: string;
}

/** What a pod became. */
export interface Pod {
  readonly config: PodConfig;
  /** As configured; the default one's name when none was asked for. */
  readonly handler: string;
  /** Hidden until it has been made. */
  readonly phase: "starting" | "started";
  /** Below which its containers' cgroups lie. */
  readonly cgroupParent: string;
  /** Whether cgroupParent was made for it and goes with it. */
  readonly ownsCgroup: boolean;
  /** Whether a task stands for the sandbox: a process that waits, or what the handler's shim needs first. */
  readonly hasTask: boolean;
  /** On the host, of that task; 0 without one. */
  readonly pid: number;
}

/** Ids by what makes a pod one pod. */
export const podNameTable = defineTable<SandboxId>("pod-names");

/** The key of podNameTable; none of its parts has an underscore by Kubernetes' rules. */
export function podKey({ name, namespace, uid, attempt }: PodMetadata): string {
  return `${name}_${namespace}_${uid}_${attempt}`;
}

/** What runtimes are told of a pod (containerd's names). */
export function podAnnotations(id: SandboxId, { name, namespace, uid }: PodMetadata): Readonly<Record<string, string>> {
  return {
    "io.kubernetes.cri.sandbox-id": id,
    "io.kubernetes.cri.sandbox-name": name,
    "io.kubernetes.cri.sandbox-namespace": namespace,
    "io.kubernetes.cri.sandbox-uid": uid,
  };
}
