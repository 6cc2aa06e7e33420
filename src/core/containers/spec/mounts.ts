// SPDX-License-Identifier: Apache-2.0
// The mounts of a container: the kernel's file systems, the network's files, and what the user asked for, in the order
// in which they must be made.

import { checkMountRequests } from "../../../base/parse/mount-request.ts";
import type { RuntimeMount } from "../../../oci/runtime/spec.ts";
import { isOfPod } from "../container-config.ts";
import { toRuntimeMount } from "./asked-mounts.ts";
import { initTarget } from "./process.ts";
import type { SpecInput } from "./spec-input.ts";

/** Defaults first, then the others, shallow ones before those below them. A user's mount replaces a default. */
export function buildMounts(input: SpecInput): readonly RuntimeMount[] {
  const requests = checkMountRequests(input.mounts.map((mount) => mount.request));
  const asked = requests.map((request, index) =>
    toRuntimeMount(request, input.mounts[index]?.source ?? "", input.features),
  );
  const targets = new Set(asked.map((mount) => mount.destination));
  const replaced = ({ destination }: RuntimeMount) =>
    targets.has(destination) || (targets.has("/dev") && destination.startsWith("/dev/"));
  const defaults = kernelMounts(input).filter((mount) => !replaced(mount));
  const files = fileMounts(input).filter((mount) => !targets.has(mount.destination));
  const own = input.config.readOnlyRoot ? [...defaults, ...files].map(readOnlyUnlessNeeded) : [...defaults, ...files];
  const others = [...own.slice(defaults.length), ...asked].toSorted(
    (left, right) => depth(left.destination) - depth(right.destination),
  );
  return [...own.slice(0, defaults.length), ...others];
}

function depth(path: string): number {
  return path.split("/").length;
}

function kernelMounts(input: SpecInput): readonly RuntimeMount[] {
  const { privileged, readOnlyRoot } = input.config;
  const kernel = ["nosuid", "noexec", "nodev"];
  // A kubelet's privileged containers configure the node through /sys, also those whose root is read-only.
  const writableSys = privileged && (!readOnlyRoot || isOfPod(input.config));
  return [
    { destination: "/proc", type: "proc", source: "proc", options: kernel },
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
    ownedMount(input, "network", {
      destination: "/sys",
      type: "sysfs",
      source: "sysfs",
      options: [...kernel, writableSys ? "rw" : "ro"],
    }),
    { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: [...kernel, privileged ? "rw" : "ro"] },
    ownedMount(input, "ipc", { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: kernel }),
    ...sharedMemory(input),
  ];
}

/** A file system that shows a namespace: a user namespace that does not own that one may only bind the host's. */
function ownedMount(input: SpecInput, namespace: "network" | "ipc", mount: RuntimeMount): RuntimeMount {
  const { namespaces } = input;
  const isForeign = (namespaces.user ?? "host") !== "host" && namespaces[namespace] === "host";
  if (!isForeign) return mount;
  return { ...mount, type: "bind", source: mount.destination, options: ["rbind", ...(mount.options ?? [])] };
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

function fileMounts(input: SpecInput): readonly RuntimeMount[] {
  const bind = (destination: string, source: string, ...options: readonly string[]): RuntimeMount => ({
    destination,
    type: "bind",
    source,
    options: ["rbind", "rprivate", ...options],
  });
  const files = input.networkFiles;
  return [
    ...(files === undefined
      ? []
      : [
          bind("/etc/resolv.conf", files.resolvConf),
          bind("/etc/hostname", files.hostname),
          bind("/etc/hosts", files.hosts),
        ]),
    ...(input.config.init && input.initPath !== undefined ? [bind(initTarget, input.initPath, "ro")] : []),
  ];
}

const writableWithReadOnlyRoot = new Set(["/proc", "/dev", "/dev/pts", "/dev/shm", "/dev/mqueue"]);

/** Their own options say whether they can be written. */
const kernelSettings = new Set(["/sys", "/sys/fs/cgroup"]);

function readOnlyUnlessNeeded(mount: RuntimeMount): RuntimeMount {
  const { destination, options = [] } = mount;
  if (writableWithReadOnlyRoot.has(destination) || options.includes("ro") || kernelSettings.has(destination)) {
    return mount;
  }
  return { ...mount, options: [...options, "ro"] };
}
