// SPDX-License-Identifier: Apache-2.0
// One container's cgroup in all hierarchies of the machine: what is in it, and how it ends.

import { readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { EngineError } from "../../base/errors.ts";
import { deadlineSignal, delay } from "../../base/lifetime.ts";
import { sigkill } from "../../base/posix-signal.ts";
import { hasErrno } from "../../host/files/errno.ts";
import type { CgroupDirectories } from "./layout.ts";

/** A cgroup is busy for a moment after its last process ended. */
const retryMs = 5;
const endDeadlineMs = 10_000;

/** A cgroup by its directories. Nothing is held open; every answer is the kernel's of that moment. */
export class Cgroup {
  readonly #byHierarchy: CgroupDirectories;

  constructor(directories: CgroupDirectories) {
    this.#byHierarchy = directories;
  }

  /** How many of its processes the kernel killed for want of memory; undefined without the cgroup or its controller. */
  async oomKills(): Promise<number | undefined> {
    const version1 = this.#directoryOf("memory");
    const directory = version1 ?? this.#byHierarchy[""];
    if (directory === undefined) return undefined;
    const file = path.join(directory, version1 === undefined ? "memory.events" : "memory.oom_control");
    const text = await ignoreAbsence(readFile(file, "utf8"), "");
    const count = /^oom_kill (\d+)$/m.exec(text)?.[1];
    return count === undefined ? undefined : Number(count);
  }

  /** The processes in it and in those below; none when it does not exist. */
  async processes(): Promise<readonly number[]> {
    const pids = new Set<number>();
    for (const directory of Object.values(this.#byHierarchy)) {
      for (const cgroup of await descendants(directory)) {
        for (const pid of await processesIn(cgroup)) pids.add(pid);
      }
    }
    return [...pids];
  }

  /** Kills every process in it, frozen ones and those that are being forked too; resolves when it is empty. */
  async kill({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    const deadline = deadlineSignal(endDeadlineMs, `killing the processes of ${this.#name}`);
    const either = AbortSignal.any([signal, deadline]);
    while ((await this.processes()).length > 0) {
      if (!(await this.#killByCgroup())) await this.#killFrozen();
      await delay(retryMs, { signal: either });
    }
  }

  /** Removes it from every hierarchy; succeeds when it does not exist. It must be empty, or become so in ten seconds. */
  async remove({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    const deadline = deadlineSignal(endDeadlineMs, `removing ${this.#name}`);
    for (const directory of Object.values(this.#byHierarchy)) {
      for (const cgroup of (await descendants(directory)).toReversed()) {
        await removeWhenFree(cgroup, AbortSignal.any([signal, deadline]));
      }
    }
  }

  get #name(): string {
    return `cgroup ${Object.values(this.#byHierarchy)[0] ?? ""}`;
  }

  /** Of a version 1 controller. */
  #directoryOf(controller: string): string | undefined {
    return Object.entries(this.#byHierarchy).find(([name]) => name.split(",").includes(controller))?.[1];
  }

  /** cgroup.kill, which version 2 has since Linux 5.14; false without it, or where version 1 has processes of its own. */
  async #killByCgroup(): Promise<boolean> {
    const unified = this.#byHierarchy[""];
    if (unified === undefined || Object.keys(this.#byHierarchy).length > 1) return false;
    return await writeIfThere(path.join(unified, "cgroup.kill"), "1");
  }

  /** Frozen processes cannot fork while they are counted; the signal reaches them when they thaw. */
  async #killFrozen(): Promise<void> {
    const freezer = this.#freezer();
    if (freezer !== undefined) await writeIfThere(freezer.file, freezer.freeze);
    try {
      for (const pid of await this.processes()) killIfThere(pid);
    } finally {
      if (freezer !== undefined) await writeIfThere(freezer.file, freezer.thaw);
    }
  }

  #freezer(): { readonly file: string; readonly freeze: string; readonly thaw: string } | undefined {
    const version1 = this.#directoryOf("freezer");
    if (version1 !== undefined) return { file: path.join(version1, "freezer.state"), freeze: "FROZEN", thaw: "THAWED" };
    const unified = this.#byHierarchy[""];
    return unified === undefined ? undefined : { file: path.join(unified, "cgroup.freeze"), freeze: "1", thaw: "0" };
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
    // The abort is seen after one more attempt, which may know the reason.
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
