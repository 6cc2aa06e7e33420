// SPDX-License-Identifier: Apache-2.0
// What the driver keeps on disk, all of it below the daemon's state directory, which is gone at reboot:
//
//   bundles/<task>/config.json, task.json (our record), and what the shim writes there; maybe rootfs, which is not ours
//   shims/<sandbox>/config.json, shim.json (our record), log (a FIFO), and what the shim writes there
//   s/ sockets of shims
//   oci/<handler>/ the OCI runtime's own state
//
// The way down is 0711, so that processes in user namespaces can reach the root filesystem. A task.json is the sign of a
// bundle that this driver made: a directory without one may be someone's preparation and is left alone.
//
// All of it is small and lies on tmpfs, where a call takes microseconds: on the way to a container's start that is less
// than each hop through Node's thread pool would cost, so what lies on that way is synchronous.

import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { readdir, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { hasCode, toEngineError } from "../../../base/errors.ts";
import type { RuntimeHandler, TaskRequest } from "../../../core/tasks/task-runtime.ts";
import { hasErrno } from "../../../host/files/errno.ts";
import type { CgroupDirectories } from "../../../linux/cgroup/layout.ts";
import type { ProcessIdentity } from "../../../linux/process/process-identity.ts";

/** What must be known of a task after a restart. */
export interface TaskRecord {
  readonly id: string;
  readonly sandboxId: string;
  readonly handler: RuntimeHandler;
  /** As the specification says it: what to look for when cgroups is not known. */
  readonly cgroupsPath?: string;
  /** Where init was put; known once the runtime has made it. */
  readonly cgroups?: CgroupDirectories;
}

/** What must be known of a shim after a restart. */
export interface ShimRecord {
  readonly sandboxId: string;
  readonly handler: RuntimeHandler;
  /** Path of its socket; absent while it is being started. */
  readonly socket?: string;
  /** Version of its Task service. */
  readonly version?: 2 | 3;
  readonly process?: ProcessIdentity;
}

/** The places of one daemon. */
export class Layout {
  readonly state: string;

  constructor(state: string) {
    this.state = state;
  }

  get bundles(): string {
    return join(this.state, "bundles");
  }

  get shims(): string {
    return join(this.state, "shims");
  }

  /** For the sockets of shims that let us choose. */
  get sockets(): string {
    return join(this.state, "s");
  }

  bundle(id: string): string {
    return join(this.bundles, id);
  }

  shim(sandboxId: string): string {
    return join(this.shims, sandboxId);
  }

  /** The Root option of the OCI runtime, to which the shim appends the namespace. */
  runtimeRoot(handler: RuntimeHandler): string {
    return join(this.state, "oci", handler.name);
  }

  prepare(): void {
    for (const directory of [this.state, this.bundles, this.shims, this.sockets]) makeDirectory(directory);
  }
}

/** Makes the directory with its parents, mode 0711 whatever the umask; one that exists keeps its parents' modes. */
export function makeDirectory(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o711 });
  chmodSync(path, 0o711);
}

/** Writes config.json of a task. The root filesystem is mounted already: its absolute path stands in the document. */
export function writeTaskConfig(bundle: string, request: TaskRequest): void {
  const config = { ...request.spec, root: { ...request.spec.root, path: request.rootfs } };
  writeFileSync(join(bundle, "config.json"), JSON.stringify(config), { mode: 0o600 });
}

/** Replaces a record as a whole. */
export function writeRecord(directory: string, name: "task.json" | "shim.json", record: object): void {
  const path = join(directory, name);
  writeFileSync(`${path}.new`, JSON.stringify(record), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** The record, or undefined when there is none or it was never finished. */
function readRecord<T>(path: string): T | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as T;
  } catch (error) {
    if (hasCode(error, "not-found") || error instanceof SyntaxError) return undefined;
    throw toEngineError(error, `read ${path}`);
  }
}

export function readTaskRecord(layout: Layout, id: string): TaskRecord | undefined {
  return readRecord<TaskRecord>(join(layout.bundle(id), "task.json"));
}

export function readShimRecord(layout: Layout, sandboxId: string): ShimRecord | undefined {
  return readRecord<ShimRecord>(join(layout.shim(sandboxId), "shim.json"));
}

/** The records of every bundle that this driver made. */
export function readTaskRecords(layout: Layout): readonly TaskRecord[] {
  return readdirSync(layout.bundles)
    .map((id) => readTaskRecord(layout, id))
    .filter((record) => record !== undefined);
}

/** Removes all of a bundle but a root filesystem that somebody else still has in it; the record goes last. */
export async function removeBundle(bundle: string): Promise<void> {
  const names = await listDirectory(bundle);
  for (const name of names) {
    if (name === "rootfs" || name === "task.json") continue;
    await rm(join(bundle, name), { recursive: true, force: true });
  }
  await rm(join(bundle, "task.json"), { force: true });
  await removeEmptyDirectory(join(bundle, "rootfs"));
  await removeEmptyDirectory(bundle);
}

async function listDirectory(path: string): Promise<readonly string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (hasCode(error, "not-found")) return [];
    throw toEngineError(error, `list ${path}`);
  }
}

/** Removes a directory, or leaves it when it is in use: mounted on or not empty. */
async function removeEmptyDirectory(path: string): Promise<void> {
  try {
    await rmdir(path);
  } catch (error) {
    if (!hasErrno(error, "ENOENT", "EBUSY", "ENOTEMPTY")) throw toEngineError(error, `remove ${path}`);
  }
}
