// SPDX-License-Identifier: Apache-2.0
// The mounts of a container: the kernel's file systems, the network's files, and what the user asked for, in the order
// in which they must be made.

import { checkMountRequests } from "../../../../base/parse/mount-request.ts";
import type { RuntimeMount } from "../../../../oci/runtime/spec.ts";
import { initTarget } from "../process.ts";
import type { SpecInput } from "../spec-input.ts";
import { toRuntimeMount } from "./asked-mounts.ts";
import { hostFileMappings } from "./id-mappings.ts";
import { kernelMounts } from "./kernel-mounts.ts";

/** Defaults first, then the others, shallow ones before those below them. A user's mount replaces a default. */
export function buildMounts(input: SpecInput): readonly RuntimeMount[] {
  const requests = checkMountRequests(input.mounts.map((mount) => mount.request));
  const asked = requests.map((request, index) => toRuntimeMount(request, input.mounts[index]?.source ?? "", input));
  const targets = new Set(asked.map((mount) => mount.destination));
  const replaced = ({ destination }: RuntimeMount) =>
    targets.has(destination) ||
    ["/dev", "/sys"].some((parent) => targets.has(parent) && destination.startsWith(`${parent}/`));
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

function fileMounts(input: SpecInput): readonly RuntimeMount[] {
  const bind = (destination: string, source: string, ...options: readonly string[]): RuntimeMount => ({
    destination,
    type: "bind",
    source,
    ...hostFileMappings(input, ["rbind", "rprivate", ...options]),
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
