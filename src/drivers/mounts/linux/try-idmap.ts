// SPDX-License-Identifier: Apache-2.0
// Whether an overlay with idmapped layers works, by making one: kernels, file systems and their versions differ in too
// many ways to know it otherwise.

import { writeFileSync } from "node:fs";
import { mkdir, rm, stat } from "node:fs/promises";
import path from "node:path";
import { messageOf } from "../../../base/errors.ts";
import type { IdMapping } from "../../../base/id-mapping.ts";
import type { IdmapSupport, MountActivator } from "../../../core/mounts/mount.ts";
import { withFileSystemIds } from "../../../linux/ffi/file-system-ids.ts";
import { unmountAll } from "../../../linux/mount/unmount.ts";

/** Any range does. */
const range: IdMapping = { containerId: 0, hostId: 65_536, size: 65_536 };
const root = { uid: range.hostId, gid: range.hostId };

/** Never throws for what a machine cannot do; leaves nothing, and removes what a killed one left. */
export async function tryIdmap(activator: MountActivator, directory: string): Promise<IdmapSupport> {
  const trial = path.join(directory, ".idmap-trial");
  try {
    await clear(trial);
    // One by one: where nothing can be made, as in /proc, Node's recursive mkdir never ends.
    await mkdir(trial);
    for (const layer of ["lower", "upper", "work"]) await mkdir(path.join(trial, layer));
    const options = ["lower", "upper", "work"].map((layer) => `${layer}dir=${path.join(trial, layer)}`);
    const target = path.join(trial, "mount");
    const idMappings = { uidMappings: [range], gidMappings: [range] };
    await activator.activate(target, [{ type: "overlay", source: "overlay", options }], { idMappings });
    withFileSystemIds(root, () => writeFileSync(path.join(target, "file"), ""));
    const [shown, stored] = [await stat(path.join(target, "file")), await stat(path.join(trial, "upper", "file"))];
    if (shown.uid !== root.uid || stored.uid !== 0)
      throw new Error(`user 0 is ${stored.uid} on disk and ${shown.uid} above`);
    return { possible: true };
  } catch (error) {
    return { possible: false, reason: messageOf(error) };
  } finally {
    await clear(trial);
  }
}

async function clear(trial: string): Promise<void> {
  await unmountAll(trial);
  await rm(trial, { recursive: true, force: true });
}
