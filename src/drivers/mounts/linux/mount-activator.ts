// SPDX-License-Identifier: Apache-2.0
// The MountActivator of a machine with Linux: mounts on the daemon's own mount table, which is also its only memory.

import { chmod, chown, mkdir, rmdir } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { messageOf, toEngineError } from "../../../base/errors.ts";
import { hostRoot, type IdMappings } from "../../../base/id-mapping.ts";
import { KeyedLock } from "../../../base/keyed-lock.ts";
import type { ActivateOptions, IdmapSupport, Mount, MountActivator } from "../../../core/mounts/mount.ts";
import { hasErrno } from "../../../host/files/errno.ts";
import { mountIdmapped } from "../../../linux/mount/idmapped.ts";
import { mountOne } from "../../../linux/mount/mount-all.ts";
import { mountPointsWithin, unmountAll } from "../../../linux/mount/unmount.ts";
import { tryIdmap } from "./try-idmap.ts";

export interface MountActivatorDependencies {
  /** What makes user namespaces; a bundled daemon names its own. */
  readonly userNamespaceProgram?: string;
}

const builtProgram = fileURLToPath(new URL("../../../../build/native/berth-userns", import.meta.url));

export function createMountActivator({ userNamespaceProgram }: MountActivatorDependencies = {}): MountActivator {
  return new LinuxMountActivator(userNamespaceProgram ?? builtProgram);
}

const neverAborted = new AbortController().signal;

class LinuxMountActivator implements MountActivator {
  readonly #program: string;
  readonly #targets = new KeyedLock();

  constructor(program: string) {
    this.#program = program;
  }

  async activate(target: string, mounts: readonly Mount[], options: ActivateOptions = {}): Promise<void> {
    const { idMappings, guarded = false } = options;
    await this.#targets.run(target, async () => {
      try {
        if (guarded) await guard(path.dirname(target), idMappings);
        await mkdir(target, { recursive: true, mode: 0o700 });
        await unmountAll(target); // a daemon that was killed may have got half-way
        const means = { program: this.#program, signal: neverAborted };
        if (idMappings !== undefined) await mountIdmapped(mounts, target, idMappings, means);
        else for (const mount of mounts) mountOne(mount, target);
      } catch (error) {
        throw toEngineError(await undo(target, error), `cannot mount on ${target}`);
      }
    });
  }

  async deactivate(target: string, { guarded = false }: Pick<ActivateOptions, "guarded"> = {}): Promise<void> {
    await this.#targets.run(target, async () => {
      try {
        await unmountAll(target);
        await removeEmptyDirectory(target);
        if (guarded) await removeEmptyDirectory(path.dirname(target));
      } catch (error) {
        throw toEngineError(error, `cannot unmount ${target}`);
      }
    });
  }

  async canIdmap(directory: string): Promise<IdmapSupport> {
    try {
      return await tryIdmap(this, directory);
    } catch (error) {
      throw toEngineError(error, `cannot clean up after idmapped mounts in ${directory}`);
    }
  }

  async list(directory: string): Promise<readonly string[]> {
    try {
      return [...new Set(await mountPointsWithin(directory))];
    } catch (error) {
      throw toEngineError(error, `cannot list the mounts below ${directory}`);
    }
  }
}

/** Root has the right to go anywhere; root of a user namespace needs a group that may. */
async function guard(directory: string, idMappings: IdMappings | undefined): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const gid = idMappings === undefined ? 0 : hostRoot(idMappings).gid;
  await chown(directory, 0, gid);
  await chmod(directory, gid === 0 ? 0o700 : 0o710);
}

async function removeEmptyDirectory(directory: string): Promise<void> {
  try {
    await rmdir(directory);
  } catch (error) {
    // Gone, or somebody's data lies under what was mounted.
    if (!hasErrno(error, "ENOENT", "ENOTDIR", "ENOTEMPTY", "EBUSY")) throw error;
  }
}

/** Takes away what was mounted before the failure, and tells both failures if that fails too. */
async function undo(target: string, error: unknown): Promise<unknown> {
  try {
    await unmountAll(target);
    return error;
  } catch (second) {
    return new AggregateError([error, second], `${messageOf(error)}; then its clean-up failed: ${messageOf(second)}`, {
      cause: error,
    });
  }
}
