// SPDX-License-Identifier: Apache-2.0
// The kernel's file systems that every container has, and its shared memory.

import type { RuntimeMount } from "../../../../oci/runtime/spec.ts";
import { isOfPod } from "../../container-config.ts";
import type { SpecInput } from "../spec-input.ts";

/** In the order of mounting. */
export function kernelMounts(input: SpecInput): readonly RuntimeMount[] {
  const { privileged, readOnlyRoot } = input.config;
  const kernel = ["nosuid", "noexec", "nodev"];
  // A kubelet's privileged containers configure the node through /sys, also those whose root is read-only.
  const writableSys = privileged && (!readOnlyRoot || isOfPod(input.config));
  const sys: RuntimeMount = {
    destination: "/sys",
    type: "sysfs",
    source: "sysfs",
    options: [...kernel, writableSys ? "rw" : "ro"],
  };
  const cgroup: RuntimeMount = {
    destination: "/sys/fs/cgroup",
    type: "cgroup",
    source: "cgroup",
    options: [...kernel, privileged ? "rw" : "ro"],
  };
  return [
    ownedMount(input, "pid", { destination: "/proc", type: "proc", source: "proc", options: kernel }),
    {
      destination: "/dev",
      type: "tmpfs",
      source: "tmpfs",
      options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
    },
    {
      destination: "/dev/pts",
      type: "devpts",
      source: "devpts",
      options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
    },
    // The host's /sys brings its cgroups along.
    ...(isOwned(input, "network") ? [sys, cgroup] : [ownedMount(input, "network", sys)]),
    ownedMount(input, "ipc", { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: kernel }),
    ...sharedMemory(input),
  ];
}

type ShownNamespace = "network" | "ipc" | "pid";

/** Whether the container may mount what shows this namespace: not when a user namespace of its own does not own it. */
function isOwned({ namespaces }: SpecInput, namespace: ShownNamespace): boolean {
  return (namespaces.user ?? "host") === "host" || namespaces[namespace] !== "host";
}

/** A file system that shows a namespace; the host's as a bind, where it cannot be mounted. */
function ownedMount(input: SpecInput, namespace: ShownNamespace, mount: RuntimeMount): RuntimeMount {
  if (isOwned(input, namespace)) return mount;
  const deep = input.features.recursiveReadOnly === true;
  const options = (mount.options ?? []).map((option) => (option === "ro" && deep ? "rro" : option));
  return { ...mount, type: "bind", source: mount.destination, options: ["rbind", "rprivate", ...options] };
}

const defaultSharedMemory = 64 * 1024 * 1024;

function sharedMemory(input: SpecInput): readonly RuntimeMount[] {
  const { ipcMode, shmSizeBytes = defaultSharedMemory } = input.config;
  if (ipcMode === "none") return [];
  const ofHost = ipcMode === "host" || (ipcMode === "pod" && input.namespaces.ipc === "host");
  const shared = ofHost ? "/dev/shm" : input.sharedMemoryPath;
  if (shared !== undefined) {
    return [{ destination: "/dev/shm", type: "bind", source: shared, options: ["rbind", "rprivate"] }];
  }
  const options = ["nosuid", "noexec", "nodev", "mode=1777", `size=${shmSizeBytes}`];
  return [{ destination: "/dev/shm", type: "tmpfs", source: "shm", options }];
}
