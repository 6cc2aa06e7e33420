// SPDX-License-Identifier: Apache-2.0
// What the task of a pod runs as: a program that waits and reaps, without any privilege, in the pod's namespaces and a
// process tree that containers may join.

import { defaultSeccompProfile } from "../../oci/runtime/seccomp-default.ts";
import type { RuntimeNamespace, RuntimeSpec } from "../../oci/runtime/spec.ts";
import { parseSecurityOptions } from "../containers/security-options.ts";
import { cgroupPath } from "../containers/spec/cgroup-path.ts";
import { ociVersionFor } from "../containers/spec/oci-version.ts";
import { clampOomScore } from "../containers/spec/oom-score.ts";
import { maskedPaths, readonlyPaths } from "../containers/spec/paths.ts";
import type { HostFacts } from "../host/host-facts.ts";
import { podAnnotations } from "../sandboxes/pod.ts";
import type { PodRecord } from "../sandboxes/sandbox.ts";
import type { UsableHandler } from "../tasks/handler-table.ts";

/** The program and where its files are. */
export interface PodTaskProgram {
  readonly rootfs: string;
  readonly arguments: readonly string[];
  readonly environment: readonly string[];
  readonly workingDirectory: string;
}

/** Nobody: ids that no image gives to anybody, and that the smallest user namespace of a pod maps. */
const pauseId = 65_535;

export function podTaskSpec(
  { id, hostname, namespaces, pod }: PodRecord,
  program: PodTaskProgram,
  { handler, features }: UsableHandler,
  host: HostFacts,
): RuntimeSpec {
  const security = parseSecurityOptions(pod.config.securityOptions, host);
  const hasSeccomp = host.seccomp && features.seccomp && security.seccomp !== "unconfined" && !pod.config.privileged;
  const facts = { architecture: host.architecture, kernelVersion: host.kernelVersion, capabilities: [] };
  return {
    ociVersion: ociVersionFor(features.ociVersion),
    process: {
      user: { uid: pauseId, gid: pauseId },
      args: program.arguments,
      env: program.environment,
      cwd: program.workingDirectory,
      capabilities: { bounding: [], effective: [], permitted: [], inheritable: [], ambient: [] },
      noNewPrivileges: true,
      oomScoreAdj: clampOomScore(oomScore, host.oomScoreAdjMinimum),
    },
    root: { path: program.rootfs, readonly: true },
    ...(namespaces.uts !== undefined && { hostname }),
    mounts: [
      { destination: "/proc", type: "proc", source: "proc", options: ["nosuid", "noexec", "nodev"] },
      {
        destination: "/dev",
        type: "tmpfs",
        source: "tmpfs",
        options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
      },
    ],
    annotations: { ...podAnnotations(id, pod.config.metadata), "io.kubernetes.cri.container-type": "sandbox" },
    linux: {
      namespaces: namespacesOf(namespaces, pod.config.pid),
      cgroupsPath: cgroupPath(id, pod.cgroupParent, handler.systemdCgroup),
      resources: { cpu: { shares: 2 }, devices: [{ allow: false, access: "rwm" }] },
      ...(hasSeccomp && { seccomp: defaultSeccompProfile(facts) }),
      maskedPaths,
      readonlyPaths,
    },
  };
}

/** What Kubernetes gives what it cannot do without. */
const oomScore = -998;

function namespacesOf(
  namespaces: PodRecord["namespaces"],
  pid: PodRecord["pod"]["config"]["pid"],
): readonly RuntimeNamespace[] {
  const pinned = Object.entries(namespaces).map(([type, path]) => ({ type: type as keyof typeof namespaces, path }));
  return [{ type: "mount" }, ...(pid === "host" ? [] : [{ type: "pid" } as const]), ...pinned];
}
