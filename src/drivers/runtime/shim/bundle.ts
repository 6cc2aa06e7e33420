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

import { chmod, mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { hasCode, toEngineError } from "../../../base/errors.ts";
import type { RuntimeHandler, TaskRequest } from "../../../core/tasks/task-runtime.ts";
import type { CgroupPaths } from "./cgroups.ts";
import type { ProcessIdentity } from "./process-identity.ts";

/** What must be known of a task after a restart. */
export interface TaskRecord {
  readonly id: string;
  readonly sandboxId: string;
  readonly handler: RuntimeHandler;
  /** As the specification says it: what to look for when cgroups is not known. */
  readonly cgroupsPath?: string;
  /** Where init was put; known once the runtime has made it. */
  readonly cgroups?: CgroupPaths;
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

  async prepare(): Promise<void> {
    for (const directory of [this.state, this.bundles, this.shims, this.sockets]) await makeDirectory(directory);
  }
}

/** Makes the directory with its parents, mode 0711 whatever the umask; one that exists keeps its parents' modes. */
export async function makeDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o711 });
  await chmod(path, 0o711);
}

/** Writes config.json of a task. The root filesystem is mounted already: its absolute path stands in the document. */
export async function writeTaskConfig(bundle: string, request: TaskRequest): Promise<void> {
  const config = { ...request.spec, root: { ...request.spec.root, path: request.rootfs } };
  await writeFile(join(bundle, "config.json"), JSON.stringify(config), { mode: 0o600 });
}

export async function writeRecord(directory: string, name: "task.json" | "shim.json", record: object): Promise<void> {
  const path = join(directory, name);
  await writeFile(`${path}.new`, JSON.stringify(record), { mode: 0o600 });
  await rename(`${path}.new`, path);
}

/** The record, or undefined when there is none or it was never finished. */
async function readRecord<T>(path: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as T;
  } catch (error) {
    if (hasCode(error, "not-found") || error instanceof SyntaxError) return undefined;
    throw toEngineError(error, `read ${path}`);
  }
}

export async function readTaskRecord(layout: Layout, id: string): Promise<TaskRecord | undefined> {
  return await readRecord<TaskRecord>(join(layout.bundle(id), "task.json"));
}

export async function readShimRecord(layout: Layout, sandboxId: string): Promise<ShimRecord | undefined> {
  return await readRecord<ShimRecord>(join(layout.shim(sandboxId), "shim.json"));
}

/** The records of every bundle that this driver made. */
export async function readTaskRecords(layout: Layout): Promise<readonly TaskRecord[]> {
  const records = await Promise.all((await readdir(layout.bundles)).map((id) => readTaskRecord(layout, id)));
  return records.filter((record) => record !== undefined);
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
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT" && code !== "EBUSY" && code !== "ENOTEMPTY") throw toEngineError(error, `remove ${path}`);
  }
}
