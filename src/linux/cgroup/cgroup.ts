// SPDX-License-Identifier: Apache-2.0
// One container's cgroup in all hierarchies of the machine: what is in it, and how it ends.

import { readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { EngineError } from "../../base/errors.ts";
import { deadlineSignal, delay } from "../../base/lifetime.ts";
import { hasErrno } from "../../host/files/errno.ts";
import { type CgroupLayout, cgroupDirectory, hierarchyOf } from "./layout.ts";

const sigkill = 9;
/** A cgroup is busy for a moment after its last process ended. */
const retryMs = 5;
const endDeadlineMs = 10_000;

/** A cgroup by its cgroupsPath. Nothing is held open; every answer is the kernel's of that moment. */
export class Cgroup {
  readonly #layout: CgroupLayout;
  readonly #cgroupsPath: string;

  constructor(layout: CgroupLayout, cgroupsPath: string) {
    this.#layout = layout;
    this.#cgroupsPath = cgroupsPath;
  }

  /** The directories, one for each hierarchy. */
  get directories(): readonly string[] {
    return this.#layout.hierarchies.map((hierarchy) => cgroupDirectory(hierarchy, this.#cgroupsPath));
  }

  /** How many of its processes the kernel killed for want of memory; undefined without the cgroup or its controller. */
  async oomKills(): Promise<number | undefined> {
    const file = this.#layout.version === 2 ? "memory.events" : "memory.oom_control";
    const text = await this.#read("memory", file);
    const count = text === undefined ? undefined : /^oom_kill (\d+)$/m.exec(text)?.[1];
    return count === undefined ? undefined : Number(count);
  }

  /** The processes in it and in those below; none when it does not exist. */
  async processes(): Promise<readonly number[]> {
    const pids = new Set<number>();
    for (const directory of this.directories) {
      for (const cgroup of await descendants(directory)) {
        for (const pid of await processesIn(cgroup)) pids.add(pid);
      }
    }
    return [...pids];
  }

  /** Kills every process in it, those that are being forked too; resolves when it is empty. */
  async kill(): Promise<void> {
    const signal = deadlineSignal(endDeadlineMs, `killing the processes of cgroup ${this.#cgroupsPath}`);
    while ((await this.processes()).length > 0) {
      if (!(await this.#killByCgroup())) await this.#killFrozen();
      await delay(retryMs, { signal });
    }
  }

  /** Removes it from every hierarchy; succeeds when it does not exist. It must be empty, or become so in ten seconds. */
  async remove(): Promise<void> {
    const signal = deadlineSignal(endDeadlineMs, `removing cgroup ${this.#cgroupsPath}`);
    for (const directory of this.directories) {
      for (const cgroup of (await descendants(directory)).toReversed()) await removeWhenFree(cgroup, signal);
    }
  }

  /** cgroup.kill, which version 2 has since Linux 5.14; false without it. */
  async #killByCgroup(): Promise<boolean> {
    if (this.#layout.version === 1) return false;
    const [directory = ""] = this.directories;
    return await writeIfThere(path.join(directory, "cgroup.kill"), "1");
  }

  /** Frozen processes cannot fork while they are counted; the signal reaches them when they thaw. */
  async #killFrozen(): Promise<void> {
    const hierarchy = this.#layout.version === 2 ? this.#layout.hierarchies[0] : hierarchyOf(this.#layout, "freezer");
    const directory = hierarchy === undefined ? undefined : cgroupDirectory(hierarchy, this.#cgroupsPath);
    const isUnified = this.#layout.version === 2;
    const file = directory === undefined ? "" : path.join(directory, isUnified ? "cgroup.freeze" : "freezer.state");
    if (file !== "") await writeIfThere(file, isUnified ? "1" : "FROZEN");
    try {
      for (const pid of await this.processes()) killIfThere(pid);
    } finally {
      if (file !== "") await writeIfThere(file, isUnified ? "0" : "THAWED");
    }
  }

  async #read(controller: string, file: string): Promise<string | undefined> {
    const hierarchy = hierarchyOf(this.#layout, controller);
    if (hierarchy === undefined) return undefined;
    return await ignoreAbsence(
      readFile(path.join(cgroupDirectory(hierarchy, this.#cgroupsPath), file), "utf8"),
      undefined,
    );
  }
}

/** The cgroup's directory and those below it, parents first; none when it does not exist. */
async function descendants(directory: string): Promise<readonly string[]> {
  const entries = await ignoreAbsence(readdir(directory, { withFileTypes: true }), undefined);
  if (entries === undefined) return [];
  const children = entries.filter((entry) => entry.isDirectory()).map((entry) => path.join(directory, entry.name));
  return [directory, ...(await Promise.all(children.map(descendants))).flat()];
}

async function processesIn(directory: string): Promise<readonly number[]> {
  const text = await ignoreAbsence(readFile(path.join(directory, "cgroup.procs"), "utf8"), "");
  return text.split("\n").filter(Boolean).map(Number);
}

async function removeWhenFree(directory: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      await rmdir(directory);
      return;
    } catch (error) {
      if (hasErrno(error, "ENOENT")) return;
      if (!hasErrno(error, "EBUSY")) throw error;
      if (signal.aborted) {
        const pids = (await processesIn(directory)).join(", ");
        const reason = pids === "" ? "the kernel says busy" : `it still has processes ${pids}`;
        throw new EngineError("deadline-exceeded", `cannot remove cgroup ${directory}: ${reason}`, { cause: error });
      }
    }
    await delay(retryMs, { signal: neverAborted });
  }
}

const neverAborted = new AbortController().signal;

/** Writes to a file of the kernel; false when there is none. */
async function writeIfThere(file: string, text: string): Promise<boolean> {
  return await ignoreAbsence(
    writeFile(file, text, { flag: "r+" }).then(() => true),
    false,
  );
}

/** The result, or what stands for it when the cgroup is gone: ENODEV says that it went while its file was open. */
async function ignoreAbsence<T, U>(promise: Promise<T>, absent: U): Promise<T | U> {
  try {
    return await promise;
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ENODEV")) return absent;
    throw error;
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, sigkill);
  } catch (error) {
    if (!hasErrno(error, "ESRCH")) throw error; // it ended by itself
  }
}
