// SPDX-License-Identifier: Apache-2.0
// How the kubelet runs without an API server, with everything that it makes in a directory of its own, and with short
// times wherever it waits.

import path from "node:path";

export interface KubeletSetup {
  /** Holds everything that it writes. */
  readonly directory: string;
  /** CRI socket of the engine. */
  readonly socket: string;
  /** Of its API over TLS, and of the part that only reads over plain HTTP. */
  readonly ports: { readonly secure: number; readonly readOnly: number };
  /** What it calls itself; ends the names of static pods. */
  readonly nodeName: string;
}

/** Alpha and beta features that are not at their default. */
export type FeatureGates = Readonly<Record<string, boolean>>;

/** How a container's log is rotated. */
export const logRotation = { maximumBytes: 16 * 1024, maximumFiles: 4 } as const;

/** Unused images older than this go, five minutes after the kubelet's start at the earliest. */
export const imageMaximumAge = "2m";

/** Where pods' name servers are said to be: nobody asks them. */
export const cluster = { nameServer: "192.0.2.53", domain: "node.test" } as const;

export function manifestDirectory({ directory }: KubeletSetup): string {
  return path.join(directory, "manifests");
}

export function rootDirectory({ directory }: KubeletSetup): string {
  return path.join(directory, "kubelet");
}

export function podLogsDirectory({ directory }: KubeletSetup): string {
  return path.join(directory, "pod-logs");
}

/** Options that have no key in the configuration file. */
export function kubeletFlags(setup: KubeletSetup): readonly string[] {
  return [
    `--root-dir=${rootDirectory(setup)}`,
    `--cert-dir=${path.join(setup.directory, "pki")}`,
    `--hostname-override=${setup.nodeName}`,
    "--v=2",
    // Of dead containers, one of each is kept, and that not long.
    "--minimum-container-ttl-duration=5s",
    "--maximum-dead-containers-per-container=1",
  ];
}

export function kubeletConfiguration(setup: KubeletSetup, featureGates: FeatureGates) {
  return {
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    featureGates,
    containerRuntimeEndpoint: `unix://${setup.socket}`,
    staticPodPath: manifestDirectory(setup),
    podLogsDir: podLogsDirectory(setup),
    volumePluginDir: path.join(setup.directory, "volume-plugins"),
    address: "127.0.0.1",
    port: setup.ports.secure,
    readOnlyPort: setup.ports.readOnly,
    healthzPort: 0,
    authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
    authorization: { mode: "AlwaysAllow" },
    clusterDNS: [cluster.nameServer],
    clusterDomain: cluster.domain,
    // The machine is shared: no cgroups of its own, no rules, no eviction.
    cgroupDriver: "cgroupfs",
    cgroupsPerQOS: false,
    enforceNodeAllocatable: [],
    failCgroupV1: false,
    failSwapOn: false,
    makeIPTablesUtilChains: false,
    evictionHard: { "memory.available": "10Mi", "nodefs.available": "1%", "imagefs.available": "1%" },
    fileCheckFrequency: "2s",
    syncFrequency: "10s",
    crashLoopBackOff: { maxContainerRestartPeriod: "4s" },
    containerLogMaxSize: String(logRotation.maximumBytes),
    containerLogMaxFiles: logRotation.maximumFiles,
    containerLogMonitorInterval: "3s",
    imageMinimumGCAge: "10s",
    imageMaximumGCAge: imageMaximumAge,
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
    serializeImagePulls: false,
    // Many pods come at once.
    registryPullQPS: 0,
  };
}
