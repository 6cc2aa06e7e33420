// SPDX-License-Identifier: Apache-2.0
// A pod of the run: its manifest, and what is promised of it from the moment that it is up until it goes, restarts of
// daemon and kubelet included.

import type { ContainerSpec, PodManifest, PodSpec } from "../kubelet/api.ts";
import type { TestNode } from "../test-node.ts";

export interface PodCase {
  /** Also names its directory among the shared ones. */
  readonly name: string;
  manifest(node: TestNode): PodManifest;
  /** Containers that are never replaced while the pod is there. */
  readonly steady: readonly string[];
  /** Throws while what is promised does not hold. */
  check(node: TestNode): Promise<void>;
  /** Throws while what is promised for the time after its removal does not hold. */
  checkRemoved?(node: TestNode): Promise<void>;
}

export const images = {
  busybox: "registry.k8s.io/e2e-test-images/busybox:1.29-2",
  nginx: "registry.k8s.io/e2e-test-images/nginx:1.14-2",
  first: "gcr.io/k8s-staging-cri-tools/test-image-1:latest",
  second: "gcr.io/k8s-staging-cri-tools/test-image-2:latest",
  third: "gcr.io/k8s-staging-cri-tools/test-image-3:latest",
} as const;

/** Does nothing until it is told to end, and then ends at once. */
export const idle = "trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done";

export function manifest(name: string, spec: PodSpec): PodManifest {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, labels: { app: name } },
    spec: { terminationGracePeriodSeconds: 10, ...spec },
  };
}

/** A container that runs a shell script. */
export function shell(name: string, script: string, rest: Readonly<Record<string, unknown>> = {}): ContainerSpec {
  return { name, image: images.busybox, imagePullPolicy: "IfNotPresent", command: ["sh", "-c", script], ...rest };
}

/** The directory of a case on the machine, as a volume called host. */
export function hostVolume(node: TestNode, name: string) {
  return { name: "host", hostPath: { path: node.sharedDirectory(name), type: "Directory" } };
}

export const hostMount = { name: "host", mountPath: "/host" } as const;
