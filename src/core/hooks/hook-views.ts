// SPDX-License-Identifier: Apache-2.0
// What hooks see of pods and containers, and what they ask for: plain data, made anew for each call and never changed.
// Times are milliseconds since 1970. A field that is absent is not known (yet).

import type { RuntimeNamespace, RuntimeResources, RuntimeSpec } from "../../oci/runtime/spec.ts";

/** A pod sandbox. */
export interface PodView {
  readonly id: string;
  readonly name: string;
  readonly uid: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly runtimeHandler: string;
  /** As the pod's configuration says it; "" for none. */
  readonly cgroupParent: string;
  /** Of the sandbox's own process; 0 when it has none. */
  readonly pid: number;
  /** The first is the primary one. */
  readonly ips: readonly string[];
  /** Paths where the pod's namespaces are pinned; those that are gone already are left out. */
  readonly namespaces: readonly RuntimeNamespace[];
  readonly createdAt: number;
  /** It was stopped, before the daemon started perhaps. */
  readonly stopped?: boolean;
  /** What running the pod costs beside its containers. */
  readonly overhead?: RuntimeResources;
  /** The sum of its containers. */
  readonly resources?: RuntimeResources;
}

export type HookContainerState = "created" | "running" | "paused" | "stopped";

/** Which seccomp profile was asked for, before it became a filter. */
export interface SeccompProfileView {
  readonly type: "runtime-default" | "unconfined" | "localhost";
  /** Of a localhost profile. */
  readonly localhostRef?: string;
}

/** A container of a pod. */
export interface ContainerView {
  readonly id: string;
  readonly podId: string;
  /** Its name in the pod, without any prefix or id. */
  readonly name: string;
  readonly state: HookContainerState;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** What it was or will be created with; arguments, mounts, limits and the like are read from here. */
  readonly spec?: RuntimeSpec;
  /** 0 when it has no process. */
  readonly pid: number;
  readonly createdAt?: number;
  readonly startedAt?: number;
  readonly finishedAt?: number;
  readonly exitCode?: number;
  readonly reason?: string;
  readonly message?: string;
  /** Fully qualified CDI names that its configuration asks for. */
  readonly cdiDevices?: readonly string[];
  readonly seccompProfile?: SeccompProfileView;
  readonly image?: ImageView;
}

/** The image of a container: its normalised name, its manifest's or index's digest, its config's digest. */
export interface ImageView {
  readonly name: string;
  readonly digest: string;
  readonly configDigest: string;
}

/** A change to another container than the one that a hook was called for. */
export interface ContainerUpdate {
  readonly containerId: string;
  /** Only what shall change. */
  readonly resources: RuntimeResources;
  /** Failing is no error. */
  readonly ignoreFailure: boolean;
}

/** A wish to end a container. */
export interface ContainerEviction {
  readonly containerId: string;
  /** For people. */
  readonly reason: string;
}
