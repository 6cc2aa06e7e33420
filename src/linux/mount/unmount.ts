// SPDX-License-Identifier: Apache-2.0
// Taking mounts away: all that lies on a directory, and below it first.

import { realpath } from "node:fs/promises";
import path from "node:path";
import { delay } from "../../base/lifetime.ts";
import { hasErrno, ifThere } from "../../host/files/errno.ts";
import { unmount, unmountFlags, unmountOffThread } from "../ffi/mount.ts";
import { isWithin, readMounts } from "./mountinfo.ts";

/** A mount is busy for a moment after its last user ended: waits between attempts, in milliseconds. */
const busyDelays = [1, 2, 4, 8, 16, 32, 64];

/** The mount points at or below the directory, in the order they were made; one is named as often as it is mounted on. */
export async function mountPointsWithin(directory: string): Promise<readonly string[]> {
  const resolved = await resolveMountPoint(directory);
  const mounts = await readMounts();
  return mounts.map((entry) => entry.mountPoint).filter((mountPoint) => isWithin(mountPoint, resolved));
}

/** The path as mountinfo shows it: the directory itself is not followed, since it may not answer or not exist. */
async function resolveMountPoint(directory: string): Promise<string> {
  const absolute = path.resolve(directory);
  const parent = await ifThere(realpath(path.dirname(absolute)));
  // Where the parent is gone nothing can be mounted; the path as given finds nothing either.
  return parent === undefined ? absolute : path.join(parent, path.basename(absolute));
}

/**
 * Unmounts all at and below the target. What stays busy is detached: it leaves the tree at once and ends with its last
 * user. Succeeds when nothing is mounted.
 */
export async function unmountAll(target: string): Promise<void> {
  const mountPoints = await mountPointsWithin(target);
  for (const mountPoint of mountPoints.toReversed()) await unmountOne(mountPoint);
}

/** Takes the topmost mount off the mount point at once, whoever still uses it; succeeds when there is none. */
export function detach(mountPoint: string): void {
  try {
    unmount(mountPoint, unmountFlags.noFollow | unmountFlags.detach);
  } catch (error) {
    if (!isAbsence(error)) throw error;
  }
}

/** Takes away the topmost mount on the mount point; one that is gone already is fine. */
async function unmountOne(mountPoint: string): Promise<void> {
  for (const milliseconds of busyDelays) {
    const outcome = await tryUnmount(mountPoint, unmountFlags.noFollow);
    if (outcome !== "busy") return;
    await delay(milliseconds, { signal: neverAborted });
  }
  await tryUnmount(mountPoint, unmountFlags.noFollow | unmountFlags.detach);
}

const neverAborted = new AbortController().signal;

async function tryUnmount(mountPoint: string, flags: number): Promise<"gone" | "busy"> {
  try {
    await unmountOffThread(mountPoint, flags);
    return "gone";
  } catch (error) {
    if (hasErrno(error, "EBUSY")) return "busy";
    if (isAbsence(error)) return "gone"; // propagation or somebody else took it away
    throw error;
  }
}

/** Whether an unmount failed because nothing is mounted there: EINVAL says no mount, ENOENT no path. */
function isAbsence(error: unknown): boolean {
  return hasErrno(error, "EINVAL", "ENOENT");
}
